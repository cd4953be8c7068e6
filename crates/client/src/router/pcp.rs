//! Mappings over PCP, RFC 6887.

use std::{net::Ipv4Addr, time::Duration};

use crab_nat::{
    VersionCode,
    pcp::{DropMappingRange, Failure, Nonce, try_drop_mapping},
};
use tokio::{net::UdpSocket, time::timeout};

use super::{
    facts::RouterFailureCause,
    lease::Granted,
    nat_pmp::{RETRIES, socket_cause},
    pcp_packet::{MapRequest, UNSUPPORTED_OPTION, UNSUPPORTED_VERSION},
    router_port::RouterPort,
};

/// The port of PCP servers.
const PORT: u16 = 5351;

/// How long an answer may take to each sending of a request: the same as over NAT-PMP.
const ANSWER_TIMEOUTS: [Duration; 3] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_millis(1000)];

/// Bytes of the longest packet, section 7.
const MAX_PACKET_BYTES: usize = 1100;

/// Datagrams that are read for each sending of a request: others' answers are passed over.
const MAX_ANSWERS: usize = 16;

/// Maps a port of this machine, which is `client`, or renews the mapping of that nonce. Asks the gateway
/// alone: the socket is connected to it.
///
/// The router is to refuse rather than to choose another port: `miniupnpd` 2.3 tries all 65,535 of them for a
/// port that it may not map, and answers nobody for a minute.
pub(super) async fn map(
    gateway: Ipv4Addr,
    client: Ipv4Addr,
    nonce: Nonce,
    port: RouterPort,
    lease_seconds: u32,
) -> Result<Granted, RouterFailureCause> {
    let request = MapRequest { client, nonce, port, lease_seconds };
    match exchange(gateway, &request, true).await {
        Err(RouterFailureCause::Refused(UNSUPPORTED_OPTION)) => {
            exchange(gateway, &request, false).await
        }
        answer => answer,
    }
}

async fn exchange(
    gateway: Ipv4Addr,
    request: &MapRequest,
    prefer_failure: bool,
) -> Result<Granted, RouterFailureCause> {
    let asked = async {
        let socket = UdpSocket::bind((request.client, 0)).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the router is no target that somebody named"
        )]
        socket.connect((gateway, PORT)).await?;
        for wait in ANSWER_TIMEOUTS {
            socket.send(&request.bytes(prefer_failure)).await?;
            if let Ok(answer) = timeout(wait, answer(&socket, request)).await {
                return answer;
            }
        }
        Ok(Err(RouterFailureCause::NoAnswer))
    };
    asked.await.unwrap_or_else(|error: std::io::Error| Err(socket_cause(&error)))
}

async fn answer(
    socket: &UdpSocket,
    request: &MapRequest,
) -> std::io::Result<Result<Granted, RouterFailureCause>> {
    let mut bytes = [0; MAX_PACKET_BYTES];
    for _ in 0..MAX_ANSWERS {
        let length = socket.recv(&mut bytes).await?;
        if let Some(answer) = request.answer(&bytes[..length]) {
            return Ok(answer);
        }
    }
    Ok(Err(RouterFailureCause::Malformed))
}

/// Removes the mapping that this nonce made.
pub(super) async fn unmap(
    gateway: Ipv4Addr,
    client: Ipv4Addr,
    nonce: Nonce,
    port: RouterPort,
) -> Result<(), RouterFailureCause> {
    let (internal_port, protocol) = (port.number, port.transport.into());
    let range = DropMappingRange::Single { internal_port, protocol };
    let dropped =
        try_drop_mapping(gateway.into(), client.into(), nonce, range, Some(RETRIES)).await;
    dropped.map_err(|failure| cause(&failure))
}

fn cause(failure: &Failure) -> RouterFailureCause {
    let code = match failure {
        Failure::Timeout => return RouterFailureCause::NoAnswer,
        Failure::Socket(error) => return socket_cause(error),
        Failure::Nonce | Failure::InvalidResponse(_) => return RouterFailureCause::Malformed,
        Failure::NetworkFailure(_) => return RouterFailureCause::NoPublicAddress,
        Failure::UnsupportedVersion(VersionCode::NatPmp | VersionCode::Pcp) => UNSUPPORTED_VERSION,
        Failure::NotAuthorized(_) => 2,
        Failure::MalformedRequest => 3,
        Failure::UnsupportedOpcode => 4,
        Failure::UnsupportedOption => 5,
        Failure::MalformedOption => 6,
        Failure::NoResources(_) => 8,
        Failure::UnsupportedProtocol => 9,
        Failure::UserExceededQuota(_) => 10,
        Failure::CannotProvideExternal(_) => 11,
        Failure::AddressMismatch => 12,
        Failure::ExcessiveRemotePeers => 13,
    };
    RouterFailureCause::Refused(code)
}
