//! How ports are tried, and what is found out about each.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use port_checker_api::{Challenge, ChallengeOutcome, Icmp, Port};
use tokio::time::Instant;

use crate::{
    Admission, Budget, Check, Target, Verdict,
    check::Ports,
    reactor::Reactor,
    tcp::{self, TcpTransport},
};

/// How a port is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Attempts in all; the first success ends them.
    pub attempts: NonZeroU32,
    /// From the end of an attempt that got an answer, or from the beginning of one that is silent, to
    /// the beginning of the next.
    pub delay: Duration,
    /// How long one attempt may take to connect, and the challenge to arrive.
    pub timeout: Duration,
    /// How long a connection without a challenge is held at most, in case it is reset at once; zero:
    /// not at all.
    pub settle: Duration,
}

impl Default for ProbeSettings {
    /// Three attempts of five seconds, one second apart; connections held for half a second at most.
    fn default() -> Self {
        Self {
            attempts: const { NonZeroU32::new(3).unwrap() },
            delay: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            settle: Duration::from_millis(500),
        }
    }
}

impl ProbeSettings {
    /// How long a port that never answers takes, given sockets at once.
    pub fn longest(&self) -> Duration {
        let further = self.attempts.get() - 1;
        self.delay * further + self.timeout
    }

    /// For how long a port that never answers occupies sockets, the attempts added up.
    pub fn socket_time(&self) -> Duration {
        self.timeout * self.attempts.get()
    }
}

/// What was found out about one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The port's place in [`Target::ports`].
    pub index: usize,
    /// The port.
    pub port: Port,
    /// Open if any attempt succeeded, else what the last attempt that got an answer found.
    pub verdict: Verdict,
    /// What became of the challenge in the attempt that decided; none when none was asked for or no
    /// connection was established.
    pub challenge: Option<ChallengeOutcome>,
    /// The ICMP message that decided, if one did.
    pub icmp: Option<Icmp>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// How long the one that decided took: until the connection was established, or was known not to be.
    pub elapsed: Duration,
}

/// Judges ports of vetted targets within a [`Budget`] that all checks share.
#[derive(Debug, Clone)]
pub struct Prober {
    settings: ProbeSettings,
    budget: Budget,
    reactor: Arc<Reactor>,
}

impl Prober {
    /// A prober that tries each port as `settings` say, with the sockets of `budget`.
    pub fn new(settings: ProbeSettings, budget: Budget) -> Self {
        Self { settings, budget, reactor: Arc::default() }
    }

    /// The same prober, which makes at most `attempts` at each port.
    pub fn limited_to(&self, attempts: NonZeroU32) -> Self {
        let attempts = attempts.min(self.settings.attempts);
        Self { settings: ProbeSettings { attempts, ..self.settings }, ..self.clone() }
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
    /// if its listener sends it. Dropping the [`Check`] closes its sockets soon after.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn check(
        &self,
        admission: Admission,
        target: Target,
        challenge: Option<Challenge>,
        deadline: Duration,
    ) -> Check {
        let Admission { slot, first } = admission;
        let (target, challenge) = (Arc::new(target), challenge.map(Arc::new));
        let ports = Ports::new(Arc::clone(&target), self.settings, slot);
        Check::begin(&ports, first, Instant::now() + deadline, || {
            TcpTransport::new(
                Arc::clone(&target),
                self.settings,
                challenge.clone(),
                Arc::clone(&self.reactor),
            )
        })
    }
}
