//! The ports of a check that no worker has begun with.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    budget::Slot, finding::Finding, policy::Target, schedule::Judged, settings::ProbeSettings,
    transport::AttemptOutcome,
};

/// Shared by the workers of a check: the ports that nobody has begun with, and a share of the
/// sockets.
#[derive(Debug)]
pub(crate) struct PortQueue {
    pub(crate) target: Arc<Target>,
    pub(crate) settings: ProbeSettings,
    pub(crate) slot: Slot,
    /// The index of the first port that nobody has begun with.
    next: AtomicUsize,
}

impl PortQueue {
    pub(crate) fn new(target: Arc<Target>, settings: ProbeSettings, slot: Slot) -> Arc<Self> {
        Arc::new(Self { target, settings, slot, next: AtomicUsize::new(0) })
    }

    pub(crate) fn has_next(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.target.ports().len()
    }

    pub(crate) fn take_next(&self) -> Option<usize> {
        let index = self.has_next().then(|| self.next.fetch_add(1, Ordering::Relaxed))?;
        (index < self.target.ports().len()).then_some(index)
    }

    pub(crate) fn finding(&self, judged: &Judged) -> Finding {
        let Judged { index, attempts, outcome } = *judged;
        let AttemptOutcome { verdict, challenge, icmp, elapsed } = outcome;
        let port = self.target.ports()[index];
        Finding { index, port, verdict, challenge, icmp, attempts, elapsed }
    }
}
