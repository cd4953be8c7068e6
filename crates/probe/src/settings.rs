//! How attempts at a port are made.

use std::{num::NonZeroU32, time::Duration};

/// How attempts at a port are made.
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
