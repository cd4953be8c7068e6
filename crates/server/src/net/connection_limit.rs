//! A limit on the connections of each client, so that none has them all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;

use port_checker_limits::Subject;

/// The part of all connections, or of another shared resource, that one client leaves for others.
const LEFT_PART: usize = 8;

/// Counts the connections of each client, or its part of something else that is shared: a client is an IPv4
/// address or an IPv6 /64. There are at most as many entries as connections.
pub(crate) struct ConnectionLimit {
    max_per_client: usize,
    exempt: Vec<IpNet>,
    open: Mutex<HashMap<Subject, usize>>,
}

/// Counts as a connection of a client, or as several, until dropped.
pub(crate) struct ClientPermit {
    limit: Arc<ConnectionLimit>,
    subject: Subject,
    count: usize,
}

impl ConnectionLimit {
    /// Lets each client have seven eighths of `connections`, and the `exempt` ones, which are proxies for
    /// many clients, all of them.
    pub(crate) fn new(connections: usize, exempt: &[IpNet]) -> Arc<Self> {
        let max_per_client = (connections - connections / LEFT_PART).max(1);
        Arc::new(Self { max_per_client, exempt: exempt.to_vec(), open: Mutex::default() })
    }

    /// One more connection of `client`; none if it has as many as it may.
    pub(crate) fn acquire(self: &Arc<Self>, client: IpAddr) -> Option<ClientPermit> {
        self.acquire_many(client, 1)
    }

    /// `count` more for `client`; none if it would have more than it may.
    pub(crate) fn acquire_many(
        self: &Arc<Self>,
        client: IpAddr,
        count: usize,
    ) -> Option<ClientPermit> {
        let client = client.to_canonical();
        let subject = Subject::of(client);
        let mut open = self.open();
        let counted = open.get(&subject).copied().unwrap_or(0).saturating_add(count);
        if counted > self.max_per_client
            && !self.exempt.iter().any(|prefix| prefix.contains(&client))
        {
            return None;
        }
        open.insert(subject, counted);
        Some(ClientPermit { limit: Arc::clone(self), subject, count })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Subject, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientPermit {
    /// Adds the count of another permit of the same client.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.count += std::mem::take(&mut other.count);
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        let mut open = self.limit.open();
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
        let limit = ConnectionLimit::new(8, &["10.0.0.0/8".parse().unwrap()]);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut held: Vec<_> = (0..7).map(|_| limit.acquire(ip("192.0.2.1")).unwrap()).collect();
        assert!(limit.acquire(ip("::ffff:192.0.2.1")).is_none(), "the same, mapped");
        assert!(limit.acquire(ip("192.0.2.2")).is_some(), "another");
        let proxied: Vec<_> = (0..9).map(|_| limit.acquire(ip("10.0.0.1"))).collect();
        assert!(proxied.iter().all(Option::is_some), "a proxy for many");
        held.pop();
        assert!(limit.acquire(ip("192.0.2.1")).is_some(), "one was given back");
        drop((held, proxied));
        assert!(limit.open().is_empty(), "clients that left are forgotten");
    }
}
