//! When a worker has something to do.

use port_checker_api::Reason;

use super::*;
use crate::verdict::Verdict;

const DELAY: Duration = Duration::from_secs(1);
const TIME_OUT: Duration = Duration::from_secs(5);

/// A worker would wake for it, and find nothing to do.
#[test]
fn what_is_over_is_not_waited_for() {
    let now = Instant::now();
    let mut schedule = Schedule::new(3.try_into().unwrap(), DELAY);
    let slot = schedule.first(0);
    let token = schedule.began(slot, (), now);
    schedule.pending(token, now + TIME_OUT, true);
    assert_eq!(schedule.next_at(), Some(now + DELAY), "the next attempt");
    assert!(!schedule.has_further() && !schedule.holds_none(), "it is not due");
    assert!(schedule.take_due(now + DELAY).is_empty());
    assert!(schedule.has_further(), "it is due");
    assert_eq!(schedule.next_at(), Some(now + TIME_OUT));
    let open = AttemptOutcome::of(Verdict::Open, DELAY);
    assert!(matches!(schedule.ended(token, open, now + DELAY), Some((_, Some(_)))));
    assert!(!schedule.has_further() && schedule.next_at().is_none());
    assert!(schedule.holds_none() && schedule.is_empty());
}

/// The delay counts from an answer, so that the retry that was planned at the beginning is none.
#[test]
fn an_answer_postpones_the_next_attempt() {
    let now = Instant::now();
    let mut schedule = Schedule::new(2.try_into().unwrap(), DELAY);
    let slot = schedule.first(0);
    let token = schedule.began(slot, (), now);
    let refused = AttemptOutcome::of(Verdict::NotOpen(Reason::Refused), DELAY / 2);
    assert!(matches!(schedule.ended(token, refused, now + DELAY / 2), Some((_, None))));
    assert_eq!(schedule.next_at(), Some(now + DELAY / 2 + DELAY));
}
