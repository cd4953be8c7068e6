//! Mappings over PCP, RFC 6887.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU16,
};

use crab_nat::{
    InternetProtocol, PortMappingType, VersionCode,
    pcp::{BaseMapRequest, DropMappingRange, Failure, Nonce, port_mapping, try_drop_mapping},
};

use super::{
    facts::RouterFailureCause,
    lease::Granted,
    nat_pmp::{RETRIES, mapping_options, socket_cause},
};

/// Code 1 of RFC 6887, section 7.4: the server speaks another version, such as NAT-PMP.
pub(super) const UNSUPPORTED_VERSION: u16 = 1;

/// Maps a TCP port of this machine, which is `client`, or renews the mapping of that nonce. Asks the gateway
/// alone: the socket is connected to it.
pub(super) async fn map(
    gateway: Ipv4Addr,
    client: Ipv4Addr,
    nonce: Nonce,
    port: NonZeroU16,
    lease_seconds: u32,
) -> Result<Granted, RouterFailureCause> {
    let options = mapping_options(port, lease_seconds);
    let base = BaseMapRequest::new(gateway.into(), client.into(), InternetProtocol::Tcp, port);
    let mapping = port_mapping(base, Some(nonce), None, options).await.map_err(|e| cause(&e))?;
    let address = match mapping.mapping_type() {
        PortMappingType::Pcp { external_ip, .. } => Some(external_ip),
        PortMappingType::NatPmp => None,
    };
    Ok(Granted {
        external_port: mapping.external_port().get(),
        lease_seconds: Some(mapping.lifetime()),
        address: address.filter(|address: &IpAddr| !address.is_unspecified()),
    })
}

/// Removes the mapping that this nonce made.
pub(super) async fn unmap(
    gateway: Ipv4Addr,
    client: Ipv4Addr,
    nonce: Nonce,
    port: NonZeroU16,
) -> Result<(), RouterFailureCause> {
    let range = DropMappingRange::Single { internal_port: port, protocol: InternetProtocol::Tcp };
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
