//! The time that one checker may take of a verification without giving a verdict.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use crate::Checker;

/// The time that each verdict adds to the budget: a checker with default limits asks for that long for the port
/// of a third party, 5 probes at 600 a minute. So a large verification is not cut short by limits that
/// are kept.
const WAIT_PER_VERDICT: Duration = Duration::from_millis(500);

/// The budget of one checker for one verification, over both families together.
#[derive(Debug)]
pub(super) struct WaitBudget(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The time left to wait for a checker that says it is busy.
    waits: Duration,
    /// The time left for refusals of the checker.
    refusals: Duration,
    /// Whether it was busy again after the last wait.
    in_vain: bool,
}

impl WaitBudget {
    /// As long as the checker's `Retry-After` may be, and as long for all its refusals as for one
    /// answer.
    pub(super) fn of(checker: &Checker) -> Self {
        let (waits, refusals) = (checker.max_wait(), checker.timeout());
        Self(Mutex::new(State { waits, refusals, in_vain: false }))
    }

    /// Takes a wait from the budget, if there is so much left and the last one was not in vain.
    pub(super) fn take(&self, wait: Duration) -> bool {
        let mut state = self.state();
        match state.waits.checked_sub(wait) {
            Some(left) if !state.in_vain => {
                state.waits = left;
                true
            }
            _ => false,
        }
    }

    /// The checker judged so many ports.
    pub(super) fn judged(&self, ports: usize) {
        let mut state = self.state();
        let ports = u32::try_from(ports).unwrap_or(u32::MAX);
        state.waits = state.waits.saturating_add(WAIT_PER_VERDICT.saturating_mul(ports));
        state.in_vain &= ports == 0;
    }

    /// The checker took so long to give no verdict, after a wait or without.
    pub(super) fn refused(&self, took: Duration, waited: bool) {
        let mut state = self.state();
        state.refusals = state.refusals.saturating_sub(took);
        state.in_vain |= waited;
    }

    /// Whether the checker is not worth another question.
    pub(super) fn is_spent(&self) -> bool {
        self.state().refusals.is_zero()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it is held")
    }
}
