//! The result of the attempts at one port.

use std::time::Duration;

use port_checker_api::{ChallengeOutcome, Icmp, Port};

use crate::verdict::Verdict;

/// The result of the attempts at one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The port's index in [`Target::ports`](crate::Target::ports).
    pub index: usize,
    /// The port.
    pub port: Port,
    /// Open if any attempt succeeded, else the verdict of the last attempt that got an answer.
    pub verdict: Verdict,
    /// The outcome of the challenge in the attempt that decided; none when none was asked for or no
    /// connection was established.
    pub challenge: Option<ChallengeOutcome>,
    /// The ICMP message that decided, if one did.
    pub icmp: Option<Icmp>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// How long the one that decided took: until the connection was established, or was known not to be.
    pub elapsed: Duration,
}
