//! What the kernel tells of the TCP sockets of this machine, ours and others'.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use procfs::{
    net::{TcpNetEntry, TcpState, tcp, tcp6},
    process::{FDTarget, all_processes},
};

use crate::{Family, facts::Process};

/// Who has a socket bound to each of `ports`, as far as the system tells: another user's processes
/// are only shown to root.
pub(crate) fn holders(ports: &HashSet<u16>) -> HashMap<u16, Process> {
    // A socket of IPv6 may hold the port of IPv4 too.
    let mut entries: Vec<_> = entries(Family::Ipv6).chain(entries(Family::Ipv4)).collect();
    entries.retain(|entry| entry.inode != 0 && ports.contains(&entry.local_address.port()));
    // Who listens comes last, and so wins over who is merely connected.
    entries.sort_by_key(|entry| entry.state == TcpState::Listen);
    let sockets: HashSet<u64> = entries.iter().map(|entry| entry.inode).collect();
    let owners = if sockets.is_empty() { HashMap::new() } else { owners(&sockets) };
    let held = entries.into_iter().filter_map(|entry| {
        let owner = owners.get(&entry.inode)?;
        Some((entry.local_address.port(), owner.clone()))
    });
    held.collect()
}

fn owners(sockets: &HashSet<u64>) -> HashMap<u64, Process> {
    let Ok(processes) = all_processes() else { return HashMap::new() };
    let mut owners = HashMap::new();
    for process in processes.flatten() {
        let Ok(descriptors) = process.fd() else { continue };
        for descriptor in descriptors.flatten() {
            let FDTarget::Socket(inode) = descriptor.target else { continue };
            if !sockets.contains(&inode) {
                continue;
            }
            let Ok(stat) = process.stat() else { continue };
            owners.insert(inode, Process { pid: process.pid, name: stat.comm });
        }
    }
    owners
}

/// Connections that were begun from outside and not completed: port here, address there.
pub(crate) fn half_open(family: Family) -> impl Iterator<Item = (u16, IpAddr)> {
    let begun = entries(family).filter(|entry| entry.state == TcpState::SynRecv);
    begun.map(|entry| (entry.local_address.port(), entry.remote_address.ip()))
}

fn entries(family: Family) -> impl Iterator<Item = TcpNetEntry> {
    let entries = match family {
        Family::Ipv4 => tcp(),
        Family::Ipv6 => tcp6(),
    };
    entries.unwrap_or_default().into_iter()
}
