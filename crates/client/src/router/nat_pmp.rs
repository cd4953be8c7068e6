//! The router's address, and mappings, over NAT-PMP, RFC 6886.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crab_nat::{
    InternetProtocol, PortMappingOptions, TimeoutConfig,
    natpmp::{Failure, external_address, port_mapping, try_drop_mapping},
};

use super::{
    facts::{MappingTransport, RouterFailureCause},
    lease::Granted,
    router_port::RouterPort,
};

/// As RFC 6886 has it: 250 ms, and twice as long each time; the third wait ends at 1.75 s.
/// RFC 6887 begins with 3 s, which suits servers at the provider; the gateway is on the same link.
pub(super) const RETRIES: TimeoutConfig = TimeoutConfig {
    initial_timeout: Duration::from_millis(250),
    max_retries: 2,
    max_retry_timeout: None,
};

/// Code 3 of RFC 6886, section 3.5, is [`NoPublicAddress`](RouterFailureCause::NoPublicAddress).
const UNSUPPORTED_VERSION: u16 = 1;
const NOT_AUTHORIZED: u16 = 2;
const OUT_OF_RESOURCES: u16 = 4;
const UNSUPPORTED_OPCODE: u16 = 5;

/// Asks the gateway alone: the socket is connected to it.
pub(super) async fn wan_address(gateway: Ipv4Addr) -> Result<IpAddr, RouterFailureCause> {
    match external_address(gateway.into(), Some(RETRIES)).await {
        Ok(address) if address.is_unspecified() => Err(RouterFailureCause::NoPublicAddress),
        Ok(address) => Ok(address.into()),
        Err(failure) => Err(cause(&failure)),
    }
}

/// Maps a port to the sender, or renews that mapping.
pub(super) async fn map(
    gateway: Ipv4Addr,
    port: RouterPort,
    lease_seconds: u32,
) -> Result<Granted, RouterFailureCause> {
    let options = mapping_options(port, lease_seconds);
    let transport = port.transport.into();
    let mapping = port_mapping(gateway.into(), transport, port.number, options).await;
    let mapping = mapping.map_err(|failure| cause(&failure))?;
    let (external_port, lease) = (mapping.external_port().get(), mapping.lifetime());
    Ok(Granted { external_port, lease_seconds: Some(lease), address: None })
}

/// The same port outside as inside.
const fn mapping_options(port: RouterPort, lease_seconds: u32) -> PortMappingOptions {
    PortMappingOptions {
        external_port: Some(port.number),
        lifetime_seconds: Some(lease_seconds),
        timeout_config: Some(RETRIES),
    }
}

/// Removes the mapping of a port to the sender.
pub(super) async fn unmap(gateway: Ipv4Addr, port: RouterPort) -> Result<(), RouterFailureCause> {
    let (transport, number) = (port.transport.into(), Some(port.number));
    let dropped = try_drop_mapping(gateway.into(), transport, number, Some(RETRIES)).await;
    dropped.map_err(|failure| cause(&failure))
}

impl From<MappingTransport> for InternetProtocol {
    fn from(transport: MappingTransport) -> Self {
        match transport {
            MappingTransport::Tcp => Self::Tcp,
            MappingTransport::Udp => Self::Udp,
        }
    }
}

pub(super) fn socket_cause(error: &io::Error) -> RouterFailureCause {
    match error.kind() {
        // The gateway has no such service, and says so by ICMP.
        ErrorKind::ConnectionRefused => RouterFailureCause::NoAnswer,
        _ => RouterFailureCause::NoRoute,
    }
}

fn cause(failure: &Failure) -> RouterFailureCause {
    match failure {
        Failure::Timeout => RouterFailureCause::NoAnswer,
        Failure::Socket(error) => socket_cause(error),
        Failure::InvalidResponse(_) => RouterFailureCause::Malformed,
        Failure::NetworkFailure => RouterFailureCause::NoPublicAddress,
        Failure::UnsupportedVersion(_) => RouterFailureCause::Refused(UNSUPPORTED_VERSION),
        Failure::NotAuthorized => RouterFailureCause::Refused(NOT_AUTHORIZED),
        Failure::OutOfResources => RouterFailureCause::Refused(OUT_OF_RESOURCES),
        Failure::UnsupportedOpcode => RouterFailureCause::Refused(UNSUPPORTED_OPCODE),
    }
}
