//! This machine's addresses and routes.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::Path,
};

use nix::ifaddrs::getifaddrs;
use procfs::net::RouteEntry;
use serde::Serialize;

use crate::Family;

/// The discard port (RFC 863). Nothing is sent to it.
const DISCARD: u16 = 9;

/// The directory of all interfaces.
const INTERFACES: &str = "/sys/class/net";

/// Types of interfaces (`ARPHRD_…`) that are tunnels: PPP, no link layer (TUN, WireGuard), IP in IP over
/// IPv4 and IPv6, GRE.
const TUNNEL_KINDS: [u16; 5] = [512, 65534, 768, 769, 778];

/// The flag of a temporary address in the kernel's table.
const IFA_F_TEMPORARY: u32 = 0x01;

/// This machine, over one address family.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Host {
    /// The addresses of its interfaces.
    pub addresses: Vec<IpAddr>,
    /// The address from which it talks to the Internet.
    pub outbound: Option<IpAddr>,
    /// Its default gateway; known for IPv4 only.
    pub gateway: Option<IpAddr>,
    /// The tunnel that packets to the Internet leave through, such as `tun0`; none if it is no tunnel.
    pub tunnel: Option<String>,
    /// Those of its addresses that are temporary (RFC 8981) and will soon be replaced; IPv6 only.
    pub temporary: Vec<IpAddr>,
}

impl Host {
    /// Reads them from the system. Facts that it does not tell are left out.
    pub(crate) fn read(family: Family) -> Self {
        Self {
            addresses: addresses(family),
            outbound: None,
            gateway: (family == Family::Ipv4).then(gateway).flatten(),
            tunnel: None,
            temporary: if family == Family::Ipv6 { temporary_addresses() } else { Vec::new() },
        }
    }

    /// The same machine, which is seen as `seen` from outside.
    pub(crate) fn towards(self, seen: Option<IpAddr>) -> Self {
        let outbound = seen.and_then(source_towards);
        Self { outbound, tunnel: outbound.and_then(tunnel_with), ..self }
    }
}

fn addresses(family: Family) -> Vec<IpAddr> {
    let addresses = interface_addresses().map(|(_, ip)| ip);
    addresses.filter(|&ip| Family::of(ip) == family).collect()
}

/// The names of interfaces, each with one of its addresses.
fn interface_addresses() -> impl Iterator<Item = (String, IpAddr)> {
    getifaddrs().into_iter().flatten().filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let ip = v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))?;
        Some((interface.interface_name, ip))
    })
}

/// The address the kernel would send from. Connecting a UDP socket sends nothing.
pub(crate) fn source_towards(ip: IpAddr) -> Option<IpAddr> {
    let any = SocketAddr::new(Family::of(ip).unspecified(), 0);
    let socket = UdpSocket::bind(any).ok()?;
    #[expect(clippy::disallowed_methods, reason = "connecting a UDP socket sends nothing")]
    socket.connect((ip, DISCARD)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The interface that has this address, if it is a tunnel.
fn tunnel_with(ip: IpAddr) -> Option<String> {
    let (name, _) = interface_addresses().find(|(_, own)| *own == ip)?;
    is_tunnel(&Path::new(INTERFACES).join(&name)).then_some(name)
}

/// Whether the directory of an interface is that of a tunnel: WireGuard and TUN (but not TAP) have no link layer.
fn is_tunnel(interface: &Path) -> bool {
    let kind = fs::read_to_string(interface.join("type")).unwrap_or_default();
    kind.trim().parse().is_ok_and(|kind: u16| TUNNEL_KINDS.contains(&kind))
}

/// The addresses that the kernel marks as temporary; see proc_pid_net(5).
fn temporary_addresses() -> Vec<IpAddr> {
    let table = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    table.lines().filter_map(temporary_address).collect()
}

/// A line holds the address, three numbers, the flags and the interface.
fn temporary_address(line: &str) -> Option<IpAddr> {
    let mut fields = line.split_ascii_whitespace();
    let address = u128::from_str_radix(fields.next()?, 16).ok()?;
    let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
    (flags & IFA_F_TEMPORARY != 0).then(|| Ipv6Addr::from(address).into())
}

fn gateway() -> Option<IpAddr> {
    default_gateway(procfs::net::route().ok()?)
}

/// The gateway of the default route with the lowest metric.
fn default_gateway(routes: Vec<RouteEntry>) -> Option<IpAddr> {
    let defaults = routes.into_iter().filter(|route| {
        route.destination == Ipv4Addr::UNSPECIFIED
            && route.mask == Ipv4Addr::UNSPECIFIED
            && route.gateway != Ipv4Addr::UNSPECIFIED
    });
    defaults.min_by_key(|route| route.metrics).map(|route| route.gateway.into())
}

#[cfg(test)]
mod tests;
