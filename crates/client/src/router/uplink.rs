//! The way from this machine to its router.

use std::net::{IpAddr, Ipv4Addr};

use crate::host::source_towards;

/// A router over IPv4, and this machine as it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uplink {
    /// The router.
    pub(crate) gateway: Ipv4Addr,
    /// The address of this machine from which it talks to the router.
    pub(crate) client: Ipv4Addr,
}

impl Uplink {
    /// The way to this gateway; none over IPv6.
    pub(crate) fn of(gateway: IpAddr) -> Option<Self> {
        match (gateway, source_towards(gateway)?) {
            (IpAddr::V4(gateway), IpAddr::V4(client)) => Some(Self { gateway, client }),
            _ => None,
        }
    }
}
