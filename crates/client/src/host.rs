//! This machine's addresses and routes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use nix::ifaddrs::getifaddrs;
use serde::Serialize;

use crate::Family;

/// The discard port (RFC 863). Nothing is sent to it.
const DISCARD: u16 = 9;

/// This machine, over one address family.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Host {
    /// The addresses of its interfaces.
    pub addresses: Vec<IpAddr>,
    /// The address from which it talks to the Internet.
    pub outbound: Option<IpAddr>,
    /// Its default gateway; known for IPv4 only.
    pub gateway: Option<IpAddr>,
}

impl Host {
    /// Reads them from the system. Facts that it does not tell are left out.
    pub(crate) fn read(family: Family) -> Self {
        Self {
            addresses: addresses(family),
            outbound: None,
            gateway: (family == Family::Ipv4).then(gateway).flatten(),
        }
    }

    /// The same machine, which is seen as `seen` from outside.
    pub(crate) fn towards(self, seen: Option<IpAddr>) -> Self {
        Self { outbound: seen.and_then(source_towards), ..self }
    }
}

fn addresses(family: Family) -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else { return Vec::new() };
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    });
    addresses.filter(|&ip| Family::of(ip) == family).collect()
}

/// The address the kernel would send from. Connecting a UDP socket sends nothing.
fn source_towards(ip: IpAddr) -> Option<IpAddr> {
    let any = SocketAddr::new(Family::of(ip).unspecified(), 0);
    let socket = UdpSocket::bind(any).ok()?;
    #[expect(clippy::disallowed_methods, reason = "connecting a UDP socket sends nothing")]
    socket.connect((ip, DISCARD)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn gateway() -> Option<IpAddr> {
    let routes = procfs::net::route().ok()?;
    let defaults = routes.into_iter().filter(|route| {
        route.destination == Ipv4Addr::UNSPECIFIED
            && route.mask == Ipv4Addr::UNSPECIFIED
            && route.gateway != Ipv4Addr::UNSPECIFIED
    });
    defaults.min_by_key(|route| route.metrics).map(|route| route.gateway.into())
}
