//! This machine's addresses and routes.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::Path,
};

use ipnet::IpNet;
use procfs::net::RouteEntry;
use serde::Serialize;

use crate::{Family, local_address::is_unreachable_from_outside};

mod container;
mod interfaces;
mod uplink;

use container::is_in_bridged_container;
use interfaces::own_addresses;
use uplink::point_to_point;
pub use uplink::{PointToPoint, PointToPointKind};

/// The discard port (RFC 863). Nothing is sent to it.
const DISCARD: u16 = 9;

/// The directory of all interfaces.
const INTERFACES: &str = "/sys/class/net";

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
    /// The networks of its interfaces, whose other addresses are its neighbours on the same link. A line to one
    /// other machine, such as a tunnel, is none.
    pub networks: Vec<IpNet>,
    /// The line to one other machine that packets to the Internet leave through, such as a tunnel; none if they
    /// leave through a network.
    pub point_to_point: Option<PointToPoint>,
    /// Whether it is likely to be a container behind a bridge, whose host translates its address.
    pub bridged_container: bool,
    /// Those of its addresses that are temporary (RFC 8981) and will soon be replaced; IPv6 only.
    pub temporary: Vec<IpAddr>,
}

impl Host {
    /// Reads them from the system. Facts that it does not tell are left out.
    pub(crate) fn read(family: Family) -> Self {
        let own: Vec<_> = own_addresses().filter(|own| Family::of(own.ip) == family).collect();
        let mut networks: Vec<_> = own.iter().filter_map(|own| own.network).collect();
        networks.sort_unstable();
        networks.dedup();
        Self {
            addresses: own.into_iter().map(|own| own.ip).collect(),
            networks,
            gateway: (family == Family::Ipv4).then(gateway).flatten(),
            temporary: if family == Family::Ipv6 { temporary_addresses() } else { Vec::new() },
            ..Self::default()
        }
    }

    /// The same machine, which is seen as `seen` from outside.
    pub(crate) fn towards(self, seen: Option<IpAddr>) -> Self {
        let outbound = seen.and_then(source_towards);
        let Some(interface) = outbound.and_then(interface_with) else {
            return Self { outbound, ..self };
        };
        let directory = Path::new(INTERFACES).join(&interface);
        let bridged_container = is_in_bridged_container(&directory, self.gateway);
        let kind = point_to_point(&directory, &interface);
        let point_to_point = kind.map(|kind| PointToPoint { interface, kind });
        Self { outbound, point_to_point, bridged_container, ..self }
    }

    /// Whether an address leads no farther than this machine and its own networks: it is one of this machine, a
    /// private one (or a carrier's), or one of a neighbour on the same link.
    pub(crate) fn is_near(&self, ip: IpAddr) -> bool {
        is_unreachable_from_outside(ip)
            || self.addresses.contains(&ip)
            || self.network_with(&[ip]).is_some()
    }

    /// The network that all of these are in, with this machine.
    pub(crate) fn network_with(&self, ips: &[IpAddr]) -> Option<IpNet> {
        let holds_all = |network: &&IpNet| ips.iter().all(|ip| network.contains(ip));
        self.networks.iter().find(holds_all).copied()
    }
}

/// The address the kernel would send from. Connecting a UDP socket sends nothing.
pub(crate) fn source_towards(ip: IpAddr) -> Option<IpAddr> {
    let any = SocketAddr::new(Family::of(ip).unspecified(), 0);
    let socket = UdpSocket::bind(any).ok()?;
    #[expect(clippy::disallowed_methods, reason = "connecting a UDP socket sends nothing")]
    socket.connect((ip, DISCARD)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The interface that has this address.
fn interface_with(ip: IpAddr) -> Option<String> {
    own_addresses().find(|own| own.ip == ip).map(|own| own.interface)
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
