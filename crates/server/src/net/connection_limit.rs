//! How many connections each client has, so that none has them all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;

use crate::limits::Subject;

/// The part of all connections, or of what else is shared, that one client leaves for others.
const LEFT_PART: usize = 8;

/// The connections of each client, or what else it has: a client is an IPv4 address or an IPv6 /64. As
/// many entries as there are connections at the most.
pub(crate) struct Peers {
    most: usize,
    exempt: Vec<IpNet>,
    open: Mutex<HashMap<Subject, usize>>,
}

/// Counts as a connection of a client, or as several, until dropped.
pub(crate) struct Entered {
    peers: Arc<Peers>,
    subject: Subject,
    count: usize,
}

impl Peers {
    /// Lets a client have all but one part in eight of `connections`, and `exempt` ones, who are
    /// proxies for many, all.
    pub(crate) fn new(connections: usize, exempt: &[IpNet]) -> Arc<Self> {
        let most = (connections - connections / LEFT_PART).max(1);
        Arc::new(Self { most, exempt: exempt.to_vec(), open: Mutex::default() })
    }

    /// One more connection of `peer`; none if it has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Entered> {
        self.enter_with(peer, 1)
    }

    /// `count` more of `peer`; none if it would have more than it may.
    pub(crate) fn enter_with(self: &Arc<Self>, peer: IpAddr, count: usize) -> Option<Entered> {
        let peer = peer.to_canonical();
        let subject = Subject::of(peer);
        let mut open = self.open();
        let counted = open.get(&subject).copied().unwrap_or(0).saturating_add(count);
        if counted > self.most && !self.exempt.iter().any(|prefix| prefix.contains(&peer)) {
            return None;
        }
        open.insert(subject, counted);
        Some(Entered { peers: Arc::clone(self), subject, count })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Subject, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    /// Adds what the same client has besides.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.count += std::mem::take(&mut other.count);
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut open = self.peers.open();
        match open.get_mut(&self.subject) {
            Some(count) if *count > self.count => *count -= self.count,
            _ => drop(open.remove(&self.subject)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_has_all_connections() {
        let peers = Peers::new(8, &["10.0.0.0/8".parse().unwrap()]);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut held: Vec<_> = (0..7).map(|_| peers.enter(ip("192.0.2.1")).unwrap()).collect();
        assert!(peers.enter(ip("::ffff:192.0.2.1")).is_none(), "the same, mapped");
        assert!(peers.enter(ip("192.0.2.2")).is_some(), "another");
        let proxied: Vec<_> = (0..9).map(|_| peers.enter(ip("10.0.0.1"))).collect();
        assert!(proxied.iter().all(Option::is_some), "a proxy for many");
        held.pop();
        assert!(peers.enter(ip("192.0.2.1")).is_some(), "one was given back");
        drop((held, proxied));
        assert!(peers.open().is_empty(), "nothing is kept of whoever left");
    }
}
