//! Containers behind a bridge of their host, which translates their addresses and publishes their ports.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use ipnet::Ipv4Net;

use super::uplink::has_no_hardware;

/// Files by which Docker and Podman mark their containers.
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The networks from which Docker and Podman take the addresses of their bridges, unless they are told others.
const BRIDGES: [Ipv4Net; 2] = [
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 88, 0, 0), 15),
];

/// Whether this is likely to be a container behind a bridge: it has the mark of one, its interface is no hardware, and
/// its gateway has an address as bridges do. `interface` is the directory of the interface.
pub(super) fn is_in_bridged_container(interface: &Path, gateway: Option<IpAddr>) -> bool {
    gateway.is_some_and(is_bridge)
        && has_no_hardware(interface)
        && MARKS.iter().any(|mark| Path::new(mark).exists())
}

pub(super) fn is_bridge(gateway: IpAddr) -> bool {
    matches!(gateway, IpAddr::V4(v4) if BRIDGES.iter().any(|bridges| bridges.contains(&v4)))
}
