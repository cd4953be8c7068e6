//! Addresses that lead no farther than the local network.

use std::net::IpAddr;

/// This machine's own, or one of its networks.
pub(crate) fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || is_private(ip)
}

/// An address that is only reached from within a network: RFC 1918, RFC 4193, or of the link.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
