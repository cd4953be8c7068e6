//! What the lanes of one check share: the ports that nobody has begun with, and a share of the sockets.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use port_checker_api::Challenge;

use crate::{ProbeSettings, Target, budget::Place};

/// What the lanes of a check share.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) target: Target,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) settings: ProbeSettings,
    pub(crate) place: Place,
    /// The index of the first port that nobody has begun with.
    next: AtomicUsize,
    /// Attempts under way in all lanes.
    pub(crate) in_flight: AtomicUsize,
}

impl Course {
    pub(crate) fn new(
        target: Target,
        challenge: Option<Challenge>,
        settings: ProbeSettings,
        place: Place,
    ) -> Arc<Self> {
        let (next, in_flight) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { target, challenge, settings, place, next, in_flight })
    }

    pub(crate) fn has_next(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.target.ports().len()
    }

    pub(crate) fn take_next(&self) -> Option<usize> {
        let index = self.has_next().then(|| self.next.fetch_add(1, Ordering::Relaxed))?;
        (index < self.target.ports().len()).then_some(index)
    }

    pub(crate) fn has_share_left(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) < self.place.share()
    }
}
