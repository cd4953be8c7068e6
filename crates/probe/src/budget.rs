//! How many sockets may be open for probes at once, in the whole process.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The process-wide bound on open probe sockets. Clones share one bound.
///
/// A probe that finds the budget spent waits; it does not fail, and its time-out does not run.
/// Requests that wait are served in the order they came, one socket each.
#[derive(Debug, Clone)]
pub struct Budget {
    sockets: Arc<Semaphore>,
    limit: usize,
}

/// The right to have one socket open; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _socket: OwnedSemaphorePermit,
}

impl Budget {
    /// Allows `limit` sockets at once, at least 1.
    pub fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self { sockets: Arc::new(Semaphore::new(limit)), limit }
    }

    /// How many sockets may be open at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many are open now.
    pub fn in_flight(&self) -> usize {
        self.limit - self.sockets.available_permits()
    }

    pub(crate) fn try_acquire(&self) -> Option<Permit> {
        let socket = Arc::clone(&self.sockets).try_acquire_owned().ok()?;
        Some(Permit { _socket: socket })
    }

    pub(crate) async fn acquire(&self) -> Permit {
        let socket = Arc::clone(&self.sockets).acquire_owned().await;
        Permit { _socket: socket.expect("the semaphore is never closed") }
    }
}
