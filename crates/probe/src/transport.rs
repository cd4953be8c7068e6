//! The network as a worker sees it: a clock, and attempts at ports.

use std::time::Duration;

use port_checker_api::{ChallengeOutcome, Icmp, Reason};
use tokio::time::Instant;

use crate::{fault::Fault, verdict::Verdict};

/// How attempts are made. A test brings a simulated network with a simulated clock.
pub(crate) trait Transport {
    /// One attempt under way. Dropping it closes its socket.
    type Attempt;

    /// The time. A worker reads it once a round.
    fn now(&mut self) -> Instant;

    /// Begins an attempt at the port with this index in the target.
    ///
    /// # Errors
    /// A fault of the checker: nothing was sent, and nothing is known about the target.
    fn begin(&mut self, index: usize) -> Result<Self::Attempt, Fault>;

    /// Advances an attempt as far as it goes without waiting. [`ready`](Self::ready) names it by `token`.
    ///
    /// # Errors
    /// A fault of the checker: the failure says nothing about the target.
    fn advance(
        &mut self,
        attempt: &mut Self::Attempt,
        token: usize,
        now: Instant,
    ) -> Result<AttemptState, Fault>;

    /// The tokens of attempts that may have advanced since they were looked at. One whose attempt
    /// has ended means nothing.
    fn ready(&mut self) -> Vec<usize>;

    /// Waits until there may be such tokens, or for `until`.
    fn wait(&mut self, until: Instant) -> impl Future<Output = ()> + Send;
}

/// The state of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptState {
    /// It goes on, and is to be looked at again at `until` even if it is not ready before.
    Pending {
        /// When.
        until: Instant,
        /// Whether nothing has come back yet.
        silent: bool,
    },
    /// It is over.
    Ended(AttemptOutcome),
}

/// The outcome of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttemptOutcome {
    pub(crate) verdict: Verdict,
    /// None when none was asked for, or no connection was established.
    pub(crate) challenge: Option<ChallengeOutcome>,
    /// The message that told, if it was one.
    pub(crate) icmp: Option<Icmp>,
    /// How long that took.
    pub(crate) elapsed: Duration,
}

impl AttemptOutcome {
    pub(crate) const fn of(verdict: Verdict, elapsed: Duration) -> Self {
        Self { verdict, challenge: None, icmp: None, elapsed }
    }

    /// Whether a connection was established, and all that was asked of it held.
    pub(crate) fn is_open(&self) -> bool {
        self.verdict == Verdict::Open
    }

    /// Whether something came back.
    pub(crate) fn is_answer(&self) -> bool {
        self.verdict != Verdict::NotOpen(Reason::TimedOut)
    }
}
