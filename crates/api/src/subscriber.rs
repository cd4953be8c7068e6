//! Which addresses count as one.

use std::net::{IpAddr, Ipv6Addr};

/// The address that `address` counts as: an IPv4 address as itself, an IPv6 address as its /64, which is one subscriber's
/// (RFC 6177).
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        address => address,
    }
}
