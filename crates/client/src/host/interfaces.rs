//! The addresses of this machine's interfaces, with the networks that they share with neighbours.

use std::net::IpAddr;

use ipnet::IpNet;
use nix::{
    ifaddrs::{InterfaceAddress, getifaddrs},
    net::if_::InterfaceFlags,
    sys::socket::SockaddrStorage,
};

/// Interfaces without neighbours: loopback, lines to one other machine, and those that look for nobody on their
/// link, as modems do.
const LONELY: InterfaceFlags = InterfaceFlags::IFF_LOOPBACK
    .union(InterfaceFlags::IFF_POINTOPOINT)
    .union(InterfaceFlags::IFF_NOARP);

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnAddress {
    /// The name of the interface.
    pub(super) interface: String,
    /// The address.
    pub(super) ip: IpAddr,
    /// The network whose other addresses are neighbours on the same link; none if there are none.
    pub(super) network: Option<IpNet>,
}

/// All addresses of all interfaces.
pub(super) fn own_addresses() -> impl Iterator<Item = OwnAddress> {
    getifaddrs().into_iter().flatten().filter_map(|entry| {
        let ip = ip(entry.address.as_ref()?)?;
        let network = network(&entry, ip);
        Some(OwnAddress { interface: entry.interface_name, ip, network })
    })
}

fn network(entry: &InterfaceAddress, ip: IpAddr) -> Option<IpNet> {
    let is_shared = entry.flags.contains(InterfaceFlags::IFF_UP) && !entry.flags.intersects(LONELY);
    shared_network(ip, self::ip(entry.netmask.as_ref()?)?).filter(|_| is_shared)
}

/// The network of an address and its mask; none if it has no room for neighbours, or is everything there is.
pub(super) fn shared_network(ip: IpAddr, mask: IpAddr) -> Option<IpNet> {
    let mask = Some(mask).filter(|mask| mask.is_ipv4() == ip.is_ipv4())?;
    let network = IpNet::with_netmask(ip, mask).ok()?.trunc();
    let is_line = network.prefix_len() + 1 >= network.max_prefix_len();
    (network.prefix_len() > 0 && !is_line).then_some(network)
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}
