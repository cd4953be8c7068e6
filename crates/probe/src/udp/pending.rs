//! The attempts that wait for an answer at one socket, and which of them an answer or a message is about.

use std::mem::take;

use port_checker_api::{Challenge, ChallengeOutcome, Reason, UDP_TOKEN_BYTES, UdpAnswer};
use slab::Slab;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::{fault::Fault, transport::AttemptOutcome, verdict::Verdict};

/// The outcome of an attempt, or why the checker cannot judge.
pub(super) type Outcome = Result<AttemptOutcome, Fault>;

/// An attempt that waits.
struct Waiting {
    port: u16,
    /// The secret that an answer proves to know.
    secret: [u8; UDP_TOKEN_BYTES],
    began: Instant,
    /// The worker's name for the attempt; none until it is known.
    token: Option<usize>,
    outcome: Option<Outcome>,
    /// The outcome if nothing better arrives in time.
    unproven: Option<Outcome>,
}

/// The attempts at one socket.
#[derive(Default)]
pub(super) struct Pending {
    waiting: Slab<Waiting>,
    /// Of attempts that have an outcome which the worker has not been told.
    ready: Vec<usize>,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Begins to wait; returns the key of the attempt.
    pub(super) fn begin(&mut self, port: u16, secret: [u8; UDP_TOKEN_BYTES]) -> usize {
        let (began, token, outcome, unproven) = (Instant::now(), None, None, None);
        self.waiting.insert(Waiting { port, secret, began, token, outcome, unproven })
    }

    pub(super) fn forget(&mut self, key: usize) {
        self.waiting.try_remove(key);
    }

    /// Takes the outcome of an attempt, if there is one; `token` names the attempt from now on.
    pub(super) fn outcome(&mut self, key: usize, token: usize) -> Option<Outcome> {
        let waiting = self.waiting.get_mut(key)?;
        waiting.token = Some(token);
        waiting.outcome.take()
    }

    /// Takes the outcome of an attempt whose time is over, as far as something unproven tells it.
    pub(super) fn unproven(&mut self, key: usize) -> Option<Outcome> {
        self.waiting.get_mut(key)?.unproven.take()
    }

    /// The tokens of attempts that have got an outcome.
    pub(super) fn take_ready(&mut self) -> Vec<usize> {
        take(&mut self.ready)
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// An answer came from `port`. Returns whether an attempt there waits for it.
    pub(super) fn answered(
        &mut self,
        port: u16,
        answer: &UdpAnswer<'_>,
        expected: &Challenge,
    ) -> bool {
        let Some(waiting) = find(&mut self.waiting, port, &answer.token) else { return false };
        let is_right: bool = answer.challenge.ct_eq(expected.as_str().as_bytes()).into();
        let (verdict, challenge) = match is_right {
            true => (Verdict::Open, ChallengeOutcome::Matched),
            false => (Verdict::NotOpen(Reason::ChallengeFailed), ChallengeOutcome::Mismatched),
        };
        let outcome = AttemptOutcome::of(verdict, waiting.began.elapsed());
        waiting.outcome = Some(Ok(AttemptOutcome { challenge: Some(challenge), ..outcome }));
        self.ready.extend(waiting.token);
        true
    }

    /// A message says that a datagram for `port` came back, and quotes its secret. Returns whether an attempt
    /// waits there.
    pub(super) fn returned(
        &mut self,
        port: u16,
        secret: &[u8; UDP_TOKEN_BYTES],
        outcome: Outcome,
    ) -> bool {
        let Some(waiting) = find(&mut self.waiting, port, secret) else { return false };
        waiting.outcome = Some(timed(outcome, waiting.began));
        self.ready.extend(waiting.token);
        true
    }

    /// A message says that some datagram for `port` came back, and quotes too little of it for a proof: an
    /// answer to the attempt would still count. Returns whether an attempt waits there.
    pub(super) fn returned_unproven(&mut self, port: u16, outcome: Outcome) -> bool {
        let mut at_port = self.waiting.iter_mut().map(|(_, waiting)| waiting);
        let first =
            at_port.find(|it| it.port == port && it.outcome.is_none() && it.unproven.is_none());
        let Some(waiting) = first else { return false };
        waiting.unproven = Some(timed(outcome, waiting.began));
        true
    }
}

/// The attempt at `port` that waits, and whose secret this is. Compares in constant time.
fn find<'a>(
    waiting: &'a mut Slab<Waiting>,
    port: u16,
    secret: &[u8; UDP_TOKEN_BYTES],
) -> Option<&'a mut Waiting> {
    let mut at_port = waiting.iter_mut().map(|(_, waiting)| waiting);
    at_port.find(|waiting| {
        waiting.port == port && waiting.outcome.is_none() && waiting.secret.ct_eq(secret).into()
    })
}

/// With the time since the attempt began.
fn timed(outcome: Outcome, began: Instant) -> Outcome {
    outcome.map(|outcome| AttemptOutcome { elapsed: began.elapsed(), ..outcome })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use port_checker_api::UdpQuestion;

    use super::*;

    const SECRET: [u8; UDP_TOKEN_BYTES] = [7; UDP_TOKEN_BYTES];
    const OTHER: [u8; UDP_TOKEN_BYTES] = [8; UDP_TOKEN_BYTES];

    fn not_open(reason: Reason) -> Outcome {
        Ok(AttemptOutcome::of(Verdict::NotOpen(reason), Duration::ZERO))
    }

    fn answer(pending: &mut Pending, port: u16, secret: [u8; UDP_TOKEN_BYTES]) -> bool {
        let challenge: Challenge = "0123456789abcdef".parse().unwrap();
        let datagram = UdpQuestion { token: secret }.answered(challenge.as_str().as_bytes());
        pending.answered(port, &UdpAnswer::parse(&datagram).unwrap(), &challenge)
    }

    fn verdict(outcome: Option<Outcome>) -> Option<Verdict> {
        outcome.map(|outcome| outcome.expect("no fault").verdict)
    }

    /// Anybody who guesses the checker's local port can forge one.
    #[test]
    fn a_message_without_proof_counts_only_if_nothing_better_comes() {
        for is_answered in [false, true] {
            let mut pending = Pending::default();
            let key = pending.begin(80, SECRET);
            assert!(pending.outcome(key, 3).is_none());
            assert!(pending.returned_unproven(80, not_open(Reason::Refused)));
            assert!(!pending.returned_unproven(80, not_open(Reason::HostUnreachable)), "one each");
            assert!(!pending.returned_unproven(81, not_open(Reason::Refused)), "another port");
            assert!(pending.outcome(key, 3).is_none() && !pending.has_ready(), "it goes on");
            if is_answered {
                assert!(answer(&mut pending, 80, SECRET));
                assert_eq!(pending.take_ready(), [3]);
                assert_eq!(verdict(pending.outcome(key, 3)), Some(Verdict::Open));
            } else {
                let refused = Some(Verdict::NotOpen(Reason::Refused));
                assert_eq!(verdict(pending.unproven(key)), refused);
            }
        }
    }

    #[test]
    fn answers_and_messages_are_about_the_attempt_with_their_secret() {
        let mut pending = Pending::default();
        let first = pending.begin(80, SECRET);
        let second = pending.begin(80, OTHER);
        assert!(pending.outcome(first, 1).is_none() && pending.outcome(second, 2).is_none());
        assert!(!answer(&mut pending, 81, SECRET), "another port");
        assert!(pending.returned(80, &OTHER, not_open(Reason::Refused)));
        assert!(!pending.returned(80, &OTHER, not_open(Reason::Refused)), "twice");
        assert!(!answer(&mut pending, 80, OTHER), "it has its outcome");
        assert_eq!(pending.take_ready(), [2]);
        assert!(pending.outcome(first, 1).is_none());
        assert_eq!(verdict(pending.outcome(second, 2)), Some(Verdict::NotOpen(Reason::Refused)));
        pending.forget(first);
        assert!(!answer(&mut pending, 80, SECRET), "nobody waits any more");
        assert_eq!(pending.len(), 1);
    }

    /// Over loopback an answer may come before the worker has a name for the attempt.
    #[test]
    fn an_outcome_that_comes_first_is_found() {
        let mut pending = Pending::default();
        let key = pending.begin(80, SECRET);
        assert!(answer(&mut pending, 80, SECRET));
        assert!(!pending.has_ready());
        assert_eq!(verdict(pending.outcome(key, 1)), Some(Verdict::Open));
    }
}
