//! Slots for work whose cost strangers choose: a number of them in all, and one for each caller, so that
//! a caller's further requests wait only for its earlier ones.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use port_checker_limits::Subject;

/// Requests of one caller that have a slot or wait for one.
const MAX_REQUESTS_PER_CALLER: usize = 16;

/// Requests of all callers that have a slot or wait for one.
const MAX_REQUESTS: usize = 256;

/// Slots, and the requests that wait for them. Callers get theirs in the order in which they came,
/// however many requests each has.
pub(crate) struct CallerSlots {
    free: Arc<Semaphore>,
    requests: Mutex<Requests>,
}

#[derive(Default)]
struct Requests {
    count: usize,
    callers: HashMap<Subject, CallerQueue>,
}

struct CallerQueue {
    count: usize,
    /// One permit.
    slot: Arc<Semaphore>,
}

/// A request that has a slot or waits for one; counts until dropped.
pub(crate) struct SlotRequest {
    slots: Arc<CallerSlots>,
    caller: Subject,
    callers_slot: Arc<Semaphore>,
}

/// A slot; free again when dropped.
pub(crate) struct Slot {
    _of_all: OwnedSemaphorePermit,
    _of_caller: OwnedSemaphorePermit,
    /// Keeps the caller known, even if it no longer waits for the work.
    _request: Arc<SlotRequest>,
}

impl CallerSlots {
    /// So many slots in all.
    pub(crate) fn new(slots: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(slots)), requests: Mutex::default() })
    }

    /// Counts a request of `caller`; none if there are too many.
    pub(crate) fn request(self: &Arc<Self>, caller: IpAddr) -> Option<Arc<SlotRequest>> {
        let caller = Subject::of(caller);
        let mut requests = self.requests();
        let of_caller = requests.callers.get(&caller).map_or(0, |queue| queue.count);
        if of_caller >= MAX_REQUESTS_PER_CALLER || requests.count >= MAX_REQUESTS {
            return None;
        }
        requests.count += 1;
        let queue = requests
            .callers
            .entry(caller)
            .or_insert_with(|| CallerQueue { count: 0, slot: Arc::new(Semaphore::new(1)) });
        queue.count += 1;
        let callers_slot = Arc::clone(&queue.slot);
        Some(Arc::new(SlotRequest { slots: Arc::clone(self), caller, callers_slot }))
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotRequest {
    /// Waits for a slot.
    pub(crate) async fn slot(self: &Arc<Self>) -> Slot {
        const OPEN: &str = "the semaphore is never closed";
        // In this order: a caller waits for the slots of all with one request at a time.
        let of_caller = Arc::clone(&self.callers_slot).acquire_owned().await.expect(OPEN);
        let of_all = Arc::clone(&self.slots.free).acquire_owned().await.expect(OPEN);
        Slot { _of_all: of_all, _of_caller: of_caller, _request: Arc::clone(self) }
    }
}

impl Drop for SlotRequest {
    fn drop(&mut self) {
        let mut requests = self.slots.requests();
        requests.count -= 1;
        if let Some(queue) = requests.callers.get_mut(&self.caller) {
            queue.count -= 1;
            if queue.count == 0 {
                requests.callers.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn caller(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn each_caller_has_one_slot_and_all_have_so_many() {
        let slots = CallerSlots::new(2);
        let request = |number| slots.request(caller(number)).expect("few requests");
        let (one, again, two, three) = (request(1), request(1), request(2), request(3));
        let first = one.slot().now_or_never().expect("a free slot");
        assert!(again.slot().now_or_never().is_none(), "the caller has one");
        let second = two.slot().now_or_never().expect("another caller");
        let mut third = Box::pin(three.slot());
        assert!(third.as_mut().now_or_never().is_none(), "all have two");
        drop(first);
        assert!(again.slot().now_or_never().is_none(), "the third caller came first");
        let third = third.now_or_never().expect("a free slot");
        drop(second);
        assert!(again.slot().now_or_never().is_some());
        drop((one, again, two, three, third));
        assert!(slots.requests().callers.is_empty(), "callers that left are forgotten");
    }

    #[test]
    fn a_slot_outlasts_its_request() {
        let slots = CallerSlots::new(2);
        let request = slots.request(caller(1)).unwrap();
        let slot = request.slot().now_or_never().expect("a free slot");
        drop(request);
        let next = slots.request(caller(1)).unwrap();
        assert!(next.slot().now_or_never().is_none(), "the caller still has one");
        drop(slot);
        assert!(next.slot().now_or_never().is_some());
    }

    #[test]
    fn the_requests_of_a_caller_are_bounded_and_those_of_all() {
        let slots = CallerSlots::new(1);
        let mut of_one: Vec<_> =
            (0..MAX_REQUESTS_PER_CALLER).map(|_| slots.request(caller(1))).collect();
        assert!(of_one.iter().all(Option::is_some));
        assert!(slots.request(caller(1)).is_none());
        of_one.pop();
        assert!(slots.request(caller(1)).is_some(), "one left");
        let others = (2..).flat_map(|number| [number; MAX_REQUESTS_PER_CALLER]);
        let others: Vec<_> = others.map_while(|number| slots.request(caller(number))).collect();
        assert_eq!(of_one.len() + others.len(), MAX_REQUESTS);
    }
}
