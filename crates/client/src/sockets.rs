//! The sockets of this machine, from the kernel's tables.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
};

use procfs::{
    net::{TcpNetEntry, TcpState, UdpNetEntry, tcp, tcp6, udp, udp6},
    process::{FDTarget, all_processes},
};

use crate::{Family, facts::Process, no_verdict::quoted};

/// The holder of a port.
#[derive(Debug, Default)]
pub(crate) struct Holder {
    pub(crate) by: Option<Process>,
    pub(crate) listens_on: Vec<IpAddr>,
    /// Connections in its queue.
    pub(crate) waiting: u32,
}

/// The holder of each of `ports` over a family, as far as the system tells: another user's processes are
/// only shown to root.
pub(crate) fn holders(family: Family, ports: &HashSet<u16>) -> HashMap<u16, Holder> {
    let mut entries: Vec<_> = holding(family, ports).collect();
    // Who listens comes last, and so wins over who is merely connected.
    entries.sort_by_key(|entry| entry.state == TcpState::Listen);
    let sockets: HashSet<u64> = entries.iter().map(|entry| entry.inode).collect();
    let owners = owners(&sockets);
    let mut holders: HashMap<u16, Holder> = HashMap::new();
    for entry in entries {
        let holder = holders.entry(entry.local_address.port()).or_default();
        holder.by = owners.get(&entry.inode).cloned().or(holder.by.take());
        if entry.state == TcpState::Listen {
            holder.listens_on.push(entry.local_address.ip());
            holder.waiting = holder.waiting.max(entry.rx_queue);
        }
    }
    holders
}

/// The connections in the queues of programs that listen on some of `ports` over a family. Unlike [`holders`] it
/// reads no process.
pub(crate) fn waiting(family: Family, ports: &HashSet<u16>) -> HashMap<u16, u32> {
    let mut waiting: HashMap<u16, u32> = HashMap::new();
    for entry in holding(family, ports).filter(|entry| entry.state == TcpState::Listen) {
        let queue = waiting.entry(entry.local_address.port()).or_default();
        *queue = entry.rx_queue.max(*queue);
    }
    waiting
}

/// The sockets that keep others from some of `ports` of a family. One of IPv6 on all addresses may hold the
/// port of IPv4 too.
fn holding(family: Family, ports: &HashSet<u16>) -> impl Iterator<Item = TcpNetEntry> {
    let both = (family == Family::Ipv4).then(|| entries(Family::Ipv6));
    let both = both.into_iter().flatten();
    let all = both.filter(|entry| entry.local_address.ip().is_unspecified()).chain(entries(family));
    all.filter(|entry| entry.inode != 0 && ports.contains(&entry.local_address.port()))
}

/// The programs that use some of these numbers over UDP, over either family.
pub(crate) fn udp_holders(ports: &HashSet<u16>) -> HashMap<u16, Process> {
    let entries = udp().into_iter().chain(udp6()).flatten();
    let bound: Vec<_> = entries
        .filter(|entry| entry.inode != 0 && ports.contains(&entry.local_address.port()))
        // A connected socket is a client's.
        .filter(|entry| entry.remote_address.port() == 0)
        .map(|entry| (entry.inode, entry.local_address.port()))
        .collect();
    let sockets: HashSet<u64> = bound.iter().map(|(inode, _)| *inode).collect();
    let owners = owners(&sockets);
    let holders =
        bound.into_iter().filter_map(|(inode, port)| Some((port, owners.get(&inode)?.clone())));
    holders.collect()
}

/// The UDP sockets that keep others from some of `ports` of a family. Those of the kernel itself, such as WireGuard's,
/// belong to no program.
pub(crate) fn udp_sockets(family: Family, ports: &HashSet<u16>) -> HashMap<u16, Holder> {
    let is_unspecified = |entry: &UdpNetEntry| entry.local_address.ip().is_unspecified();
    let own = match family {
        Family::Ipv4 => udp(),
        Family::Ipv6 => udp6(),
    };
    // One of IPv6 on all addresses may hold the port of IPv4 too.
    let both = (family == Family::Ipv4).then(udp6).into_iter().flatten().flatten();
    let entries = both.filter(is_unspecified).chain(own.into_iter().flatten());
    let entries = entries.filter(|entry| ports.contains(&entry.local_address.port()));
    let entries: Vec<_> = entries.collect();
    let sockets = entries.iter().map(|entry| entry.inode).filter(|inode| *inode != 0);
    let owners = owners(&sockets.collect());
    let mut holders: HashMap<u16, Holder> = HashMap::new();
    for entry in entries {
        let holder = holders.entry(entry.local_address.port()).or_default();
        holder.by = owners.get(&entry.inode).cloned().or(holder.by.take());
        // A connected socket gets the datagrams of its peer only.
        if entry.remote_address.port() == 0 {
            holder.listens_on.push(entry.local_address.ip());
        }
    }
    holders
}

fn owners(sockets: &HashSet<u64>) -> HashMap<u64, Process> {
    let mut owners = HashMap::new();
    let Ok(processes) = all_processes() else { return owners };
    if sockets.is_empty() {
        return owners;
    }
    for process in processes.flatten() {
        let Ok(descriptors) = process.fd() else { continue };
        for descriptor in descriptors.flatten() {
            let FDTarget::Socket(inode) = descriptor.target else { continue };
            // A child inherits sockets and comes later: the parent is named.
            if !sockets.contains(&inode) || owners.contains_key(&inode) {
                continue;
            }
            let Ok(stat) = process.stat() else { continue };
            owners.insert(inode, Process { pid: process.pid, name: quoted(&stat.comm) });
        }
    }
    owners
}

/// Connections that were begun from outside and not completed: port here, address and port there.
pub(crate) fn half_open(family: Family) -> HashSet<(u16, SocketAddr)> {
    let begun = entries(family).filter(|entry| entry.state == TcpState::SynRecv);
    begun.map(|entry| (entry.local_address.port(), entry.remote_address)).collect()
}

fn entries(family: Family) -> impl Iterator<Item = TcpNetEntry> {
    let entries = match family {
        Family::Ipv4 => tcp(),
        Family::Ipv6 => tcp6(),
    };
    entries.unwrap_or_default().into_iter()
}
