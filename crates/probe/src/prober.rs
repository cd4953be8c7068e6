//! All ports of a request at once: attempts, delays, the deadline, and the sockets they may use.

use std::{num::NonZeroU32, pin::Pin, sync::Arc, time::Duration};

use port_checker_api::{Challenge, ChallengeOutcome, Port};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    Admission, Budget, Fault, Target, Verdict, budget::Permit, course::Course, lane::Lane, tcp,
    watch::Watch,
};

/// How many ports are worth a task of their own.
const LANE_PORTS: usize = 1024;

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
    watch: Arc<Watch>,
}

impl Prober {
    /// A prober that tries each port as `settings` say, with the sockets of `budget`.
    pub fn new(settings: ProbeSettings, budget: Budget) -> Self {
        Self { settings, budget, watch: Arc::default() }
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

    /// Checks every port of `target`, for at most `deadline`. With a `challenge` a port is open only
    /// if its listener sends it. Dropping the [`Check`] closes its sockets, those of a large one soon
    /// after.
    ///
    /// A check of few ports makes progress while [`Check::next`] is awaited; a larger one in tasks of
    /// the runtime, so that it has more than one processor.
    pub fn check(
        &self,
        admission: Admission,
        target: Target,
        challenge: Option<Challenge>,
        deadline: Duration,
    ) -> Check {
        let Admission { place, first } = admission;
        let course = Course::new(target, challenge, self.settings, place);
        Check {
            unjudged: course.target.ports().len(),
            found: Vec::new().into_iter(),
            work: Work::begin(&course, &self.watch, first),
            course,
            deadline: Box::pin(sleep_until(Instant::now() + deadline)),
        }
    }
}

/// A check under way: a stream of findings in the order they are made.
pub struct Check {
    course: Arc<Course>,
    work: Work,
    found: std::vec::IntoIter<Finding>,
    unjudged: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Check {
    /// What is checked.
    pub fn target(&self) -> &Target {
        &self.course.target
    }

    /// The next finding, or none when every port has one, or after a [`Fault`].
    ///
    /// # Errors
    /// The checker could not judge a port; it then judges none of the rest.
    pub async fn next(&mut self) -> Option<Result<Finding, Fault>> {
        while self.unjudged > 0 {
            if let Some(finding) = self.found.next() {
                self.unjudged -= 1;
                return Some(Ok(finding));
            }
            // The deadline comes first: it must hold however many attempts end.
            let found = tokio::select! {
                biased;
                () = &mut self.deadline => Err(Fault::DeadlinePassed {
                    unjudged: self.unjudged,
                    ports: self.course.target.ports().len(),
                }),
                found = self.work.next() => found,
            };
            match found {
                Ok(found) => self.found = found.into_iter(),
                Err(fault) => {
                    self.unjudged = 0;
                    return Some(Err(fault));
                }
            }
        }
        None
    }
}

/// Who makes the attempts of a check.
enum Work {
    /// Whoever awaits the findings.
    Here(Box<Lane>),
    /// Tasks, which end when they are dropped.
    Spread { found: mpsc::Receiver<Result<Vec<Finding>, Fault>>, _lanes: JoinSet<()> },
}

impl Work {
    fn begin(course: &Arc<Course>, watch: &Arc<Watch>, mut first: Option<Permit>) -> Self {
        let workers = Handle::current().metrics().num_workers();
        let lanes = workers.min(course.target.ports().len() / LANE_PORTS);
        if lanes <= 1 {
            return Self::Here(Box::new(Lane::new(Arc::clone(course), Arc::clone(watch), first)));
        }
        let (sender, found) = mpsc::channel(lanes);
        let lanes = (0..lanes).map(|_| {
            let lane = Lane::new(Arc::clone(course), Arc::clone(watch), first.take());
            lane.run(sender.clone())
        });
        Self::Spread { found, _lanes: lanes.collect() }
    }

    async fn next(&mut self) -> Result<Vec<Finding>, Fault> {
        match self {
            Self::Here(lane) => lane.next().await,
            Self::Spread { found, .. } => {
                found.recv().await.expect("lanes end after the last finding only")
            }
        }
    }
}
