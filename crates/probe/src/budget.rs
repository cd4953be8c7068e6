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

/// The part of the sockets that is kept for checks that begin.
const KEPT_PART: usize = 8;

/// The process-wide bound on open probe sockets. Clones share one bound.
///
/// One part in eight is kept for checks that begin: a check takes its first socket from all there
/// are, and further ones only while more than that part is free. With *n* checks under way each holds
/// at most one part in *n* of the rest. So a check of one port does not wait for a large one of ports
/// that never answer. Checks that wait for their first socket get it in the order they came.
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

    /// How many a check may hold that is alone.
    pub fn largest_share(&self) -> usize {
        self.shared.share(1)
    }

    /// How many are open now.
    pub fn in_flight(&self) -> usize {
        self.shared.limit - self.shared.sockets.available_permits()
    }

    /// How many checks wait for their first socket.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Admits a check of `ports` ports if there is a socket for it to begin with now.
    pub fn admit_now(&self, ports: usize) -> Option<Admission> {
        let first = match ports {
            0 => None,
            _ => Some(self.shared.try_acquire()?),
        };
        Some(self.admission(first))
    }

    /// Waits at most `patience` for a socket that a check can begin with.
    ///
    /// # Errors
    /// There is none, or too many wait already.
    pub async fn admit(&self, patience: Duration) -> Result<Admission, Overloaded> {
        let waiting = Waiting::join(&self.shared).ok_or_else(|| self.overloaded())?;
        let first = timeout(patience, self.shared.acquire()).await;
        drop(waiting);
        first.map(|first| self.admission(Some(first))).map_err(|_| self.overloaded())
    }

    /// Whether a check of `ports` ports that never answer could not end within `time_left`, because
    /// others hold the sockets now. An idle checker is never too busy: it cannot know what answers.
    ///
    /// # Errors
    /// It could not.
    pub fn is_hopeless(
        &self,
        ports: usize,
        longest: Duration,
        time_left: Duration,
    ) -> Result<(), Overloaded> {
        let checks = self.shared.checks.load(Ordering::Relaxed);
        let rounds = ports.div_ceil(self.shared.share(checks + 1));
        let needed = longest.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        let busy = checks > 0 && !self.shared.has_further();
        if busy && rounds > 1 && needed > time_left { Err(self.overloaded()) } else { Ok(()) }
    }

    fn admission(&self, first: Option<Permit>) -> Admission {
        self.shared.checks.fetch_add(1, Ordering::Relaxed);
        Admission { place: Place { shared: Arc::clone(&self.shared) }, first }
    }

    fn overloaded(&self) -> Overloaded {
        Overloaded { in_flight: self.in_flight(), limit: self.limit(), waiting: self.waiting() }
    }
}

impl Place {
    /// How many sockets this check may hold now, at least 1.
    pub(crate) fn share(&self) -> usize {
        self.shared.share(self.shared.checks.load(Ordering::Relaxed))
    }

    /// A socket for a check that holds some.
    pub(crate) fn try_further(&self) -> Option<Permit> {
        self.shared.has_further().then(|| self.shared.try_acquire())?
    }

    /// A socket for a check that holds none.
    pub(crate) async fn first(&self) -> Permit {
        self.shared.acquire().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.checks.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn share(&self, checks: usize) -> usize {
        ((self.limit - self.kept()) / checks.max(1)).max(1)
    }

    /// Whether more sockets are free than those kept for checks that begin.
    fn has_further(&self) -> bool {
        self.sockets.available_permits() > self.kept()
    }

    fn kept(&self) -> usize {
        self.limit / KEPT_PART
    }

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
