//! The router's address over NAT-PMP, RFC 6886.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crab_nat::{
    TimeoutConfig,
    natpmp::{Failure, external_address},
};

use super::facts::RouterFailureCause;

/// As RFC 6886 has it: 250 ms, and twice as long each time; the third wait ends at 1.75 s.
const RETRIES: TimeoutConfig = TimeoutConfig {
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

fn cause(failure: &Failure) -> RouterFailureCause {
    match failure {
        Failure::Timeout => RouterFailureCause::NoAnswer,
        // The gateway has no such service, and says so by ICMP.
        Failure::Socket(error) if error.kind() == ErrorKind::ConnectionRefused => {
            RouterFailureCause::NoAnswer
        }
        Failure::Socket(_) => RouterFailureCause::NoRoute,
        Failure::InvalidResponse(_) => RouterFailureCause::Malformed,
        Failure::NetworkFailure => RouterFailureCause::NoPublicAddress,
        Failure::UnsupportedVersion(_) => RouterFailureCause::Refused(UNSUPPORTED_VERSION),
        Failure::NotAuthorized => RouterFailureCause::Refused(NOT_AUTHORIZED),
        Failure::OutOfResources => RouterFailureCause::Refused(OUT_OF_RESOURCES),
        Failure::UnsupportedOpcode => RouterFailureCause::Refused(UNSUPPORTED_OPCODE),
    }
}
