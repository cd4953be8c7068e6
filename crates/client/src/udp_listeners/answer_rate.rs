//! A bound on the answers of one port.

use std::time::{Duration, Instant};

/// Answers that one port sends in a second at most: many times as many as all checkers of a verification ask for, and
/// so few that nobody can have this machine flood another one.
const MAX_ANSWERS: u32 = 64;

/// The time in which so many answers are sent.
const PERIOD: Duration = Duration::from_secs(1);

/// The answers of one port in the present second.
#[derive(Debug, Default)]
pub(super) struct AnswerRate {
    began: Option<Instant>,
    sent: u32,
}

impl AnswerRate {
    /// Whether another answer may be sent.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= PERIOD) {
            *self = Self { began: Some(now), sent: 0 };
        }
        self.sent = self.sent.saturating_add(1);
        self.sent <= MAX_ANSWERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_answers_in_a_second_and_no_more() {
        let (mut rate, began) = (AnswerRate::default(), Instant::now());
        let mut sent = |after: u64| {
            let now = began + Duration::from_millis(after);
            (0..1000).filter(|_| rate.admits(now)).count()
        };
        assert_eq!([sent(0), sent(999), sent(1000), sent(1001)], [64, 0, 64, 0]);
    }
}
