//! The parts that the families of a verification share.

use port_checker_api::Challenge;
use tokio::sync::{Semaphore, mpsc::UnboundedSender};

use super::{stop::StopSignal, wait_budget::WaitBudget};
use crate::{Checker, Event, Plan, router::KnownRouter};

/// The parts that all families of a verification share.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) plan: &'a Plan,
    pub(super) checkers: &'a [Checker],
    /// One for each checker.
    pub(super) budgets: &'a [WaitBudget],
    pub(super) events: &'a UnboundedSender<Event>,
    /// The router, as earlier verifications have come to know it; none: it is not asked.
    pub(super) router: Option<&'a KnownRouter>,
    pub(super) stop: &'a StopSignal,
}

impl Common<'_> {
    pub(super) fn send(&self, event: Event) {
        // Who does not listen any more will drop the verification too.
        let _ = self.events.send(event);
    }
}

/// The same for every listener of a verification.
pub(super) struct OwnListeners {
    pub(super) challenge: Challenge,
    /// One for each connection that may be open.
    pub(super) permits: Semaphore,
}
