//! The TCP sockets of this machine, from the kernel's tables.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use procfs::{
    net::{TcpNetEntry, TcpState, tcp, tcp6},
    process::{FDTarget, all_processes},
};

use crate::{Family, facts::Process, no_verdict::quoted};

/// The holder of a port.
#[derive(Debug, Default)]
pub(crate) struct Holder {
    pub(crate) by: Option<Process>,
    pub(crate) listens_on: Vec<IpAddr>,
}

/// The holder of each of `ports` over a family, as far as the system tells: another user's processes are
/// only shown to root.
pub(crate) fn holders(family: Family, ports: &HashSet<u16>) -> HashMap<u16, Holder> {
    let mut entries: Vec<_> = holding(family)
        .filter(|entry| entry.inode != 0 && ports.contains(&entry.local_address.port()))
        .collect();
    // Who listens comes last, and so wins over who is merely connected.
    entries.sort_by_key(|entry| entry.state == TcpState::Listen);
    let sockets: HashSet<u64> = entries.iter().map(|entry| entry.inode).collect();
    let owners = if sockets.is_empty() { HashMap::new() } else { owners(&sockets) };
    let mut holders: HashMap<u16, Holder> = HashMap::new();
    for entry in entries {
        let holder = holders.entry(entry.local_address.port()).or_default();
        holder.by = owners.get(&entry.inode).cloned().or(holder.by.take());
        if entry.state == TcpState::Listen {
            holder.listens_on.push(entry.local_address.ip());
        }
    }
    holders
}

/// The sockets that keep others from a port of a family. One of IPv6 on all addresses may hold the
/// port of IPv4 too.
fn holding(family: Family) -> impl Iterator<Item = TcpNetEntry> {
    let both = (family == Family::Ipv4).then(|| entries(Family::Ipv6));
    let both = both.into_iter().flatten();
    both.filter(|entry| entry.local_address.ip().is_unspecified()).chain(entries(family))
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
            owners.insert(inode, Process { pid: process.pid, name: quoted(&stat.comm) });
        }
    }
    owners
}

/// Connections that were begun from outside and not completed: port here, address there.
pub(crate) fn half_open(family: Family) -> Vec<(u16, IpAddr)> {
    let begun = entries(family).filter(|entry| entry.state == TcpState::SynRecv);
    let ends =
        begun.map(|entry| (entry.local_address.port(), entry.remote_address.ip().to_canonical()));
    ends.collect()
}

fn entries(family: Family) -> impl Iterator<Item = TcpNetEntry> {
    let entries = match family {
        Family::Ipv4 => tcp(),
        Family::Ipv6 => tcp6(),
    };
    entries.unwrap_or_default().into_iter()
}
