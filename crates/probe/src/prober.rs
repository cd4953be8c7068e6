//! All ports of a request at once: attempts, delays, the deadline, and the sockets they may use.

use std::{collections::VecDeque, num::NonZeroU32, pin::Pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use port_checker_api::{Challenge, ChallengeOutcome, Port};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    Admission, Budget, Fault, Target, Verdict,
    budget::{Permit, Place},
    tcp::{self, Outcome},
};

/// How a port is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Attempts in all; the first success ends them.
    pub attempts: NonZeroU32,
    /// Time between the end of one attempt and the start of the next.
    pub delay: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl Default for ProbeSettings {
    /// Three attempts of five seconds, one second apart.
    fn default() -> Self {
        Self {
            attempts: const { NonZeroU32::new(3).unwrap() },
            delay: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
        }
    }
}

impl ProbeSettings {
    /// How long a port that never answers takes, given sockets at once.
    pub fn longest(&self) -> Duration {
        self.timeout * self.attempts.get() + self.delay * (self.attempts.get() - 1)
    }
}

/// What was found out about one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The port's place in [`Target::ports`].
    pub index: usize,
    /// The port.
    pub port: Port,
    /// The verdict of the last attempt.
    pub verdict: Verdict,
    /// What became of the challenge in the last attempt; none when none was asked for or no
    /// connection was established.
    pub challenge: Option<ChallengeOutcome>,
    /// How many attempts were made.
    pub attempts: u32,
    /// How long the last one took.
    pub elapsed: Duration,
}

/// Judges ports of vetted targets within a [`Budget`] that all checks share.
#[derive(Debug, Clone)]
pub struct Prober {
    settings: ProbeSettings,
    budget: Budget,
}

impl Prober {
    /// A prober that tries each port as `settings` say, with the sockets of `budget`.
    pub fn new(settings: ProbeSettings, budget: Budget) -> Self {
        Self { settings, budget }
    }

    /// The sockets that all checks share.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether a socket can be opened at all, of either address family.
    ///
    /// # Errors
    /// What the system said.
    pub fn can_open_sockets(&self) -> std::io::Result<()> {
        tcp::can_open()
    }

    /// Begins to check every port of `target`, for at most `deadline`. With a `challenge` a port is
    /// open only if its listener sends it. Nothing happens until [`Check::next`] is awaited;
    /// dropping the [`Check`] closes its sockets.
    pub fn check(
        &self,
        admission: Admission,
        target: Target,
        challenge: Option<Challenge>,
        deadline: Duration,
    ) -> Check {
        let now = Instant::now();
        let waiting = (0..target.ports().len())
            .map(|index| Waiting { index, attempt: NonZeroU32::MIN, due: now })
            .collect();
        Check {
            unjudged: target.ports().len(),
            target,
            challenge: challenge.map(Arc::new),
            settings: self.settings,
            place: admission.place,
            first: admission.first,
            waiting,
            in_flight: FuturesUnordered::new(),
            deadline: Box::pin(sleep_until(now + deadline)),
        }
    }
}

/// A check under way: a stream of findings in the order they are made.
pub struct Check {
    target: Target,
    challenge: Option<Arc<Challenge>>,
    settings: ProbeSettings,
    place: Place,
    /// The socket that came with the admission.
    first: Option<Permit>,
    /// Attempts not begun, soonest first: the delay is the same for all, so that whatever is
    /// appended is due last.
    waiting: VecDeque<Waiting>,
    in_flight: FuturesUnordered<BoxFuture<'static, Attempt>>,
    unjudged: usize,
    deadline: Pin<Box<Sleep>>,
}

struct Waiting {
    index: usize,
    attempt: NonZeroU32,
    due: Instant,
}

struct Attempt {
    index: usize,
    number: NonZeroU32,
    elapsed: Duration,
    result: Result<Outcome, Fault>,
}

impl Check {
    /// What is checked.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The next finding, or none when every port has one. After a [`Fault`] the check has no more
    /// to say: drop it.
    ///
    /// # Errors
    /// The checker could not judge a port; it then judges none of the rest.
    pub async fn next(&mut self) -> Option<Result<Finding, Fault>> {
        while self.unjudged > 0 {
            self.begin_what_is_due();
            match self.event().await {
                Event::Ended(attempt) => {
                    if let Some(finding) = self.settle(attempt).transpose() {
                        return Some(finding);
                    }
                }
                Event::Permit(permit) => self.begin(permit),
                Event::Due => {}
                Event::Deadline => {
                    return Some(Err(Fault::DeadlinePassed {
                        unjudged: self.unjudged,
                        ports: self.target.ports().len(),
                    }));
                }
            }
        }
        None
    }

    fn begin_what_is_due(&mut self) {
        let now = Instant::now();
        while self.waiting.front().is_some_and(|next| next.due <= now) && self.has_share_left() {
            let permit = self.first.take().or_else(|| self.place.try_further());
            let Some(permit) = permit else { return };
            self.begin(permit);
        }
    }

    fn has_share_left(&self) -> bool {
        self.in_flight.len() < self.place.share()
    }

    fn begin(&mut self, permit: Permit) {
        let Some(Waiting { index, attempt, .. }) = self.waiting.pop_front() else { return };
        let (address, limit) = (self.target.socket(index), self.settings.timeout);
        let challenge = self.challenge.clone();
        self.in_flight.push(Box::pin(async move {
            let started = Instant::now();
            let result = tcp::attempt(address, limit, challenge.as_deref()).await;
            drop(permit);
            Attempt { index, number: attempt, elapsed: started.elapsed(), result }
        }));
    }

    /// Waits for whatever happens next. The deadline comes first: it must hold however many
    /// attempts end.
    async fn event(&mut self) -> Event {
        let now = Instant::now();
        let next = self.waiting.front().map(|next| next.due);
        let due = next.filter(|&due| due > now);
        // Whoever holds some gets further ones when its own come back, or others leave enough.
        let short_of_sockets = next.is_some_and(|due| due <= now) && self.in_flight.is_empty();
        tokio::select! {
            biased;
            () = &mut self.deadline => Event::Deadline,
            Some(attempt) = self.in_flight.next() => Event::Ended(attempt),
            permit = self.place.first(), if short_of_sockets => Event::Permit(permit),
            () = sleep_until(due.unwrap_or(now)), if due.is_some() => Event::Due,
        }
    }

    /// Makes a finding of an attempt, unless the port is to be tried again.
    fn settle(&mut self, attempt: Attempt) -> Result<Option<Finding>, Fault> {
        let Attempt { index, number, elapsed, result } = attempt;
        let Outcome { verdict, challenge } = result?;
        if verdict != Verdict::Open && number < self.settings.attempts {
            let due = Instant::now() + self.settings.delay;
            self.waiting.push_back(Waiting { index, attempt: number.saturating_add(1), due });
            return Ok(None);
        }
        self.unjudged -= 1;
        let port = self.target.ports()[index];
        Ok(Some(Finding { index, port, verdict, challenge, attempts: number.get(), elapsed }))
    }
}

enum Event {
    Ended(Attempt),
    Permit(Permit),
    Due,
    Deadline,
}
