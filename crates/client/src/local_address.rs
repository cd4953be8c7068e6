//! Addresses that lead no farther than the local network.

use std::net::{IpAddr, Ipv4Addr};

/// One that connections from the Internet cannot be for: a local one, or one of a carrier's network.
pub(crate) fn is_unreachable_from_outside(ip: IpAddr) -> bool {
    is_local(ip) || is_shared(ip)
}

/// 100.64.0.0/10, shared address space (RFC 6598): carriers use it for their customers, and some VPNs do.
pub(crate) fn is_shared(ip: IpAddr) -> bool {
    const FIRST: u32 = Ipv4Addr::new(100, 64, 0, 0).to_bits();
    matches!(ip, IpAddr::V4(v4) if v4.to_bits() >> 22 == FIRST >> 22)
}

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
