//! A scarce resource that clients share, and of which none has all.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection_limit::{ClientPermit, ConnectionLimit};

/// A bounded amount of a resource, such as bytes of memory.
pub(crate) struct Pool {
    size: usize,
    free: Arc<Semaphore>,
    per_client: Arc<ConnectionLimit>,
}

/// A part of a pool that a client has; given back when dropped.
pub(crate) struct Share {
    of_client: ClientPermit,
    permit: OwnedSemaphorePermit,
}

impl Pool {
    /// Lets each client have seven eighths of `size`, and the `exempt` ones, which are proxies for many
    /// clients, all of it.
    pub(crate) fn new(size: usize, exempt: &[IpNet]) -> Self {
        let free = Arc::new(Semaphore::new(size));
        Self { size, free, per_client: ConnectionLimit::new(size, exempt) }
    }

    /// Takes `amount` for a client; none if there is no such amount, or none for that client.
    pub(crate) fn take(&self, client: IpAddr, amount: usize) -> Option<Share> {
        let of_client = self.per_client.acquire_many(client, amount)?;
        let amount = u32::try_from(amount).ok()?;
        let permit = Arc::clone(&self.free).try_acquire_many_owned(amount).ok()?;
        Some(Share { of_client, permit })
    }

    /// How much there is in all.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }
}

impl Share {
    /// Adds another share of the same pool and client.
    pub(crate) fn merge(&mut self, other: Self) {
        self.permit.merge(other.permit);
        self.of_client.merge(other.of_client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_has_all_and_everything_is_given_back() {
        let pool = Pool::new(800, &[]);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut share = pool.take(ip("192.0.2.1"), 300).unwrap();
        share.merge(pool.take(ip("192.0.2.1"), 400).unwrap());
        assert!(pool.take(ip("192.0.2.1"), 1).is_none(), "seven parts in eight");
        let other = pool.take(ip("192.0.2.2"), 100).unwrap();
        assert!(pool.take(ip("192.0.2.3"), 1).is_none(), "all are taken");
        drop(share);
        assert!(pool.take(ip("192.0.2.3"), 700).is_some(), "given back at once");
        drop(other);
        assert_eq!(pool.free.available_permits(), pool.size());
        assert!(pool.take(ip("192.0.2.1"), usize::MAX).is_none(), "more than there can be");
    }
}
