//! How many sockets may be open for probes at once, in the whole process, and who gets them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many checks may wait for their first socket at once. Further ones are turned away: they would
/// wait behind all of these.
const MOST_WAITING: usize = 256;

/// The process-wide bound on open probe sockets. Clones share one bound.
///
/// No check may hold all of it: with *n* checks under way each gets at most one part in *n* + 1, so
/// that the next one always finds a free socket, or one that is free within one time-out. Where
/// more is wanted than there is, sockets are handed out one at a time, in the order asked.
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: usize,
    sockets: Arc<Semaphore>,
    checks: AtomicUsize,
    waiting: AtomicUsize,
}

/// There was no socket to begin a check with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{in_flight} of {limit} probe sockets are in use and {waiting} checks wait for one")]
pub struct Overloaded {
    /// How many sockets are in use.
    pub in_flight: usize,
    /// How many there are.
    pub limit: usize,
    /// How many checks wait for their first socket.
    pub waiting: usize,
}

/// A place among the checks under way, and the first socket if there is a port to probe.
#[derive(Debug)]
pub struct Admission {
    pub(crate) place: Place,
    pub(crate) first: Option<Permit>,
}

/// One of the checks that share the sockets; leaves when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    shared: Arc<Shared>,
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
        let sockets = Arc::new(Semaphore::new(limit));
        let (checks, waiting) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { shared: Arc::new(Shared { limit, sockets, checks, waiting }) }
    }

    /// How many sockets may be open at once.
    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// How many are open now.
    pub fn in_flight(&self) -> usize {
        self.shared.limit - self.shared.sockets.available_permits()
    }

    /// How many checks wait for their first socket.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Waits at most `patience` for the socket that a check of `ports` ports begins with.
    ///
    /// # Errors
    /// There is none, or too many wait already.
    pub async fn admit(&self, ports: usize, patience: Duration) -> Result<Admission, Overloaded> {
        let first = match ports {
            0 => None,
            _ => Some(self.first_socket(patience).await?),
        };
        self.shared.checks.fetch_add(1, Ordering::Relaxed);
        Ok(Admission { place: Place { shared: Arc::clone(&self.shared) }, first })
    }

    async fn first_socket(&self, patience: Duration) -> Result<Permit, Overloaded> {
        if let Some(permit) = self.shared.try_acquire() {
            return Ok(permit);
        }
        let waiting = Waiting::join(&self.shared).ok_or_else(|| self.overloaded())?;
        let permit = timeout(patience, self.shared.acquire()).await;
        drop(waiting);
        permit.map_err(|_| self.overloaded())
    }

    fn overloaded(&self) -> Overloaded {
        Overloaded { in_flight: self.in_flight(), limit: self.limit(), waiting: self.waiting() }
    }
}

impl Place {
    /// How many sockets this check may hold now, at least 1.
    pub(crate) fn share(&self) -> usize {
        let checks = self.shared.checks.load(Ordering::Relaxed);
        (self.shared.limit / (checks + 1)).max(1)
    }

    pub(crate) fn try_acquire(&self) -> Option<Permit> {
        self.shared.try_acquire()
    }

    pub(crate) async fn acquire(&self) -> Permit {
        self.shared.acquire().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.checks.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn try_acquire(&self) -> Option<Permit> {
        let socket = Arc::clone(&self.sockets).try_acquire_owned().ok()?;
        Some(Permit { _socket: socket })
    }

    async fn acquire(&self) -> Permit {
        let socket = Arc::clone(&self.sockets).acquire_owned().await;
        Permit { _socket: socket.expect("the semaphore is never closed") }
    }
}

/// One of the checks that wait; leaves when dropped.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn join(shared: &'a Shared) -> Option<Self> {
        let before = shared.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(shared);
        (before < MOST_WAITING).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
