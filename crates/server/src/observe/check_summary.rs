//! What a check found, counted for the log.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use port_checker_api::Reason;
use port_checker_probe::Verdict;
use tokio::task_local;

/// What a check found, counted.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) target: IpAddr,
    pub(crate) ports: usize,
    pub(crate) open: usize,
    not_open: [usize; Reason::ALL.len()],
}

impl Tally {
    pub(crate) fn new(target: IpAddr, ports: usize) -> Self {
        Self { target, ports, open: 0, not_open: [0; Reason::ALL.len()] }
    }

    pub(crate) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Open => self.open += 1,
            Verdict::NotOpen(reason) => self.not_open[reason as usize] += 1,
        }
    }

    /// Whether a port was judged, and so somebody was dialled.
    pub(crate) fn has_verdicts(&self) -> bool {
        self.open > 0 || self.not_open.iter().any(|&count| count > 0)
    }

    /// Nothing, where there is nothing to tell.
    pub(crate) fn of(&self, reason: Reason) -> Option<usize> {
        Some(self.not_open[reason as usize]).filter(|&count| count > 0)
    }
}

/// A tally that may go on while the answer is sent. A handler attaches it to its answer.
#[derive(Debug, Clone)]
pub(crate) struct SharedTally(Arc<Mutex<Tally>>);

/// The tally of a request, once there is one: the only trace of a check whose client hangs up before the
/// answer.
pub(crate) type TallyOfRequest = Arc<OnceLock<SharedTally>>;

task_local! {
    static OF_REQUEST: TallyOfRequest;
}

/// Handles a request; the first tally that it makes is found in `tally`.
pub(crate) async fn with_tally<F: Future>(tally: TallyOfRequest, request: F) -> F::Output {
    OF_REQUEST.scope(tally, request).await
}

impl SharedTally {
    pub(crate) fn new(tally: Tally) -> Self {
        let tally = Self(Arc::new(Mutex::new(tally)));
        // Outside of a request nobody looks for it.
        let _ = OF_REQUEST.try_with(|of_request| of_request.set(tally.clone()));
        tally
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn read(&self) -> Tally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
