//! How many sockets may be open for probes at once, in the whole process, and who gets them.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use port_checker_api::subscriber;

/// How many checks may wait for their first socket at once. Further ones are turned away: they would
/// wait behind all of these.
const MAX_WAITING: usize = 256;

/// A caller may hold this many sockets for each one that is free: at most four fifths of those that the others
/// leave, so that the next caller finds some.
const HELD_PER_FREE: usize = 4;

/// The same where a check has none yet, so that a caller's small check need not wait for its large one.
/// Many small ones leave one socket in seventeen.
const HELD_PER_FREE_AT_FIRST: usize = 16;

/// How soon a check that lacks a socket looks again: others give theirs back without telling.
pub(crate) const RECHECK: Duration = Duration::from_millis(10);

/// The process-wide bound on open probe sockets. Clones share one bound.
///
/// Sockets are shared by caller first, then by check: a caller may hold at most four fifths of the
/// sockets that no other caller holds, and its checks share these equally. Of the rest it may take first
/// sockets of further checks, all but a seventeenth, so that a check of one port does not wait for a large
/// one of ports that never answer. Checks that wait for their first socket get it in the order they came.
///
/// A caller is a [`subscriber`].
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<BudgetState>,
}

#[derive(Debug)]
struct BudgetState {
    limit: usize,
    sockets: Arc<Semaphore>,
    /// Callers with checks under way.
    callers: Mutex<HashMap<IpAddr, Arc<Caller>>>,
    waiting: AtomicUsize,
}

/// The checks and sockets of one caller.
#[derive(Debug, Default)]
struct Caller {
    checks: AtomicUsize,
    sockets: AtomicUsize,
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

/// A slot among the checks under way, and the first socket if there is a port to probe.
#[derive(Debug)]
pub struct Admission {
    pub(crate) slot: Slot,
    pub(crate) first: Option<Permit>,
}

/// One of the checks that share the sockets; leaves when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Arc<BudgetState>,
    check: Arc<Holder>,
    address: IpAddr,
}

/// The sockets of one check.
#[derive(Debug)]
struct Holder {
    caller: Arc<Caller>,
    sockets: AtomicUsize,
}

/// The right to have one socket open; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    check: Arc<Holder>,
    _socket: OwnedSemaphorePermit,
}

impl Budget {
    /// Allows `limit` sockets at once, at least 1.
    pub fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        let sockets = Arc::new(Semaphore::new(limit));
        let (callers, waiting) = (Mutex::default(), AtomicUsize::new(0));
        Self { shared: Arc::new(BudgetState { limit, sockets, callers, waiting }) }
    }

    /// How many sockets may be open at once.
    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// How many a check may hold that is alone.
    pub fn largest_share(&self) -> usize {
        share(self.limit(), 1)
    }

    /// How many are open now.
    pub fn in_flight(&self) -> usize {
        self.shared.limit - self.shared.free()
    }

    /// How many checks wait for their first socket.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Admits a check of `ports` ports for `caller` if there is a socket for it to begin with now.
    pub fn admit_now(&self, caller: IpAddr, ports: usize) -> Option<Admission> {
        let slot = Slot::join(&self.shared, caller);
        let first = match ports {
            0 => None,
            _ => Some(slot.try_first()?),
        };
        Some(Admission { slot, first })
    }

    /// Waits at most `limit` for a socket that a check for `caller` can begin with.
    ///
    /// # Errors
    /// No socket was given back within `limit`, or as many checks as may wait do so already.
    pub async fn admit(&self, caller: IpAddr, limit: Duration) -> Result<Admission, Overloaded> {
        let waiting = Waiting::join(&self.shared).ok_or_else(|| self.overloaded())?;
        let slot = Slot::join(&self.shared, caller);
        let first = timeout(limit, slot.first()).await;
        drop(waiting);
        let first = Some(first.map_err(|_| self.overloaded())?);
        Ok(Admission { slot, first })
    }

    /// Whether a check for `caller` of `ports` ports that never answer could not end within
    /// `time_left`, because others hold the sockets now and each is due a share of them; a port then
    /// keeps a socket for `socket_time`. An idle checker is never too busy: it cannot know which ports answer.
    ///
    /// # Errors
    /// [`Overloaded`], with a time after which to ask again, when the check could not end in time.
    pub fn fits(
        &self,
        caller: IpAddr,
        ports: usize,
        socket_time: Duration,
        time_left: Duration,
    ) -> Result<(), Overloaded> {
        let share = self.shared.share_of_next(caller);
        let rounds = ports.div_ceil(share);
        let needed = socket_time.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        let busy = self.in_flight() > 0 && self.shared.free() < ports;
        if busy && rounds > 1 && needed > time_left { Err(self.overloaded()) } else { Ok(()) }
    }

    fn overloaded(&self) -> Overloaded {
        Overloaded { in_flight: self.in_flight(), limit: self.limit(), waiting: self.waiting() }
    }
}

impl Slot {
    fn join(shared: &Arc<BudgetState>, address: IpAddr) -> Self {
        let address = subscriber(address);
        let mut callers = shared.callers();
        let caller = Arc::clone(callers.entry(address).or_default());
        // While the map is locked: the last check of this caller may be leaving now.
        caller.checks.fetch_add(1, Ordering::Relaxed);
        drop(callers);
        let check = Arc::new(Holder { caller, sockets: AtomicUsize::new(0) });
        Self { shared: Arc::clone(shared), check, address }
    }

    /// A further socket, if the check holds less than its share.
    pub(crate) fn try_further(&self) -> Option<Permit> {
        let Holder { caller, sockets } = &*self.check;
        let left = self.shared.free() + caller.sockets.load(Ordering::Relaxed);
        let share = share(left, caller.checks.load(Ordering::Relaxed));
        let has_share_left = sockets.load(Ordering::Relaxed) < share;
        (has_share_left && self.caller_may_hold(HELD_PER_FREE)).then(|| self.try_acquire())?
    }

    fn try_first(&self) -> Option<Permit> {
        self.caller_may_hold(HELD_PER_FREE_AT_FIRST).then(|| self.try_acquire())?
    }

    /// A socket for a check that holds none.
    pub(crate) async fn first(&self) -> Permit {
        while !self.caller_may_hold(HELD_PER_FREE_AT_FIRST) {
            sleep(RECHECK).await;
        }
        let socket = Arc::clone(&self.shared.sockets).acquire_owned().await;
        self.permit(socket.expect("the semaphore is never closed"))
    }

    /// Whether the caller holds less than it may; its first socket always.
    fn caller_may_hold(&self, per_free: usize) -> bool {
        let sockets = self.check.caller.sockets.load(Ordering::Relaxed);
        sockets < self.shared.free().saturating_mul(per_free).max(1)
    }

    fn try_acquire(&self) -> Option<Permit> {
        let socket = Arc::clone(&self.shared.sockets).try_acquire_owned().ok()?;
        Some(self.permit(socket))
    }

    fn permit(&self, socket: OwnedSemaphorePermit) -> Permit {
        self.check.sockets.fetch_add(1, Ordering::Relaxed);
        self.check.caller.sockets.fetch_add(1, Ordering::Relaxed);
        Permit { check: Arc::clone(&self.check), _socket: socket }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut callers = self.shared.callers();
        if self.check.caller.checks.fetch_sub(1, Ordering::Relaxed) == 1
            && let Entry::Occupied(caller) = callers.entry(self.address)
        {
            caller.remove();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.check.sockets.fetch_sub(1, Ordering::Relaxed);
        self.check.caller.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

impl BudgetState {
    fn free(&self) -> usize {
        self.sockets.available_permits()
    }

    /// The share of a check that begins now, of the sockets that others leave, or must leave when their attempts end.
    fn share_of_next(&self, caller: IpAddr) -> usize {
        let callers = self.callers();
        let own = callers.get(&subscriber(caller));
        let own_of = |count: fn(&Caller) -> &AtomicUsize| {
            own.map_or(0, |own| count(own).load(Ordering::Relaxed))
        };
        let count = callers.len() + usize::from(own.is_none());
        let soon = self.limit * (HELD_PER_FREE + 1) / (HELD_PER_FREE * count + 1);
        share(soon.max(self.free() + own_of(|own| &own.sockets)), own_of(|own| &own.checks) + 1)
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<IpAddr, Arc<Caller>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many sockets each of a caller's `checks` may hold, where other callers leave it `left`; at
/// least 1.
fn share(left: usize, checks: usize) -> usize {
    (left * HELD_PER_FREE / (HELD_PER_FREE + 1) / checks.max(1)).max(1)
}

/// One of the checks that wait; leaves when dropped.
struct Waiting<'a>(&'a BudgetState);

impl<'a> Waiting<'a> {
    fn join(shared: &'a BudgetState) -> Option<Self> {
        let before = shared.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(shared);
        (before < MAX_WAITING).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
