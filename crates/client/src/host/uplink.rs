//! The kind of interface that packets to the Internet leave through.

use std::{fs, path::Path};

use serde::Serialize;

/// Types of interfaces (`ARPHRD_…`) that are tunnels: no link layer (TUN, WireGuard), IP in IP over IPv4 and IPv6,
/// IPv6 in IPv4, GRE over IPv4 and IPv6.
const TUNNEL_TYPES: [u16; 6] = [65534, 768, 769, 776, 778, 823];

/// `ARPHRD_PPP`.
const PPP_TYPE: u16 = 512;

/// `ARPHRD_RAWIP`: the modems of phones.
const RAW_IP_TYPE: u16 = 519;

/// Kinds of interfaces (`DEVTYPE`) that use another interface.
const KINDS_OVER_OTHERS: [&str; 5] = ["bond", "bridge", "ipvlan", "macvlan", "vlan"];

/// A line to one other machine, which packets to the Internet leave through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PointToPoint {
    /// The interface, such as `tun0`.
    pub interface: String,
    /// The kind of line.
    pub kind: PointToPointKind,
}

/// A kind of line to one other machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PointToPointKind {
    /// A tunnel over another line: TUN, WireGuard, IP in IP, GRE.
    Tunnel,
    /// PPP: the line of an Internet provider (PPPoE, a modem), or a tunnel (PPTP, L2TP).
    Ppp,
    /// A mobile modem.
    Modem,
}

/// The kind of the line of this name, whose facts are in a directory; none if it is a network.
pub(super) fn point_to_point(directory: &Path, name: &str) -> Option<PointToPointKind> {
    let kind = text(directory, "type").parse::<u16>().ok();
    // Drivers of older kernels do not tell, and their interfaces are named so.
    let is_modem_by_name = || name.starts_with("wwan") && kind == Some(65534);
    match (kind?, device_type(directory).as_deref()) {
        (_, Some("wwan")) | (RAW_IP_TYPE, _) => Some(PointToPointKind::Modem),
        (PPP_TYPE, _) => Some(PointToPointKind::Ppp),
        _ if is_modem_by_name() => Some(PointToPointKind::Modem),
        (kind, _) if TUNNEL_TYPES.contains(&kind) => Some(PointToPointKind::Tunnel),
        _ => None,
    }
}

/// Whether neither an interface nor the one below it is hardware, as far as its directory shows: so it is with a virtual
/// cable to another namespace.
pub(super) fn has_no_hardware(directory: &Path) -> bool {
    let kind = device_type(directory).unwrap_or_default();
    directory.exists()
        && !directory.join("device").exists()
        && !KINDS_OVER_OTHERS.contains(&kind.as_str())
}

/// The kind of the device in the words of its driver; none if that has none.
fn device_type(directory: &Path) -> Option<String> {
    let facts = text(directory, "uevent");
    facts.lines().find_map(|line| line.strip_prefix("DEVTYPE=").map(str::to_owned))
}

/// A file without the end of its line; empty if it cannot be read.
fn text(directory: &Path, name: &str) -> String {
    let text = fs::read_to_string(directory.join(name)).unwrap_or_default();
    text.trim_end().to_owned()
}
