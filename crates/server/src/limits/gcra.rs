//! The generic cell rate algorithm (ITU-T I.371): one number of state per subject, no timers.
//!
//! The state is the *theoretical arrival time* (TAT): when the subject's allowance will be whole
//! again if it asks for nothing more. A probe moves it one interval into the future; as long as it is
//! no further away than the burst, the probe is admitted. Times are microseconds since an epoch that
//! whoever keeps the state chooses.

use std::{num::NonZeroU64, time::Duration};

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// How many probes a subject may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// What one probe costs, in microseconds.
    interval: NonZeroU64,
    /// How many probes may come at once.
    burst: u64,
}

/// How a subject stands after a charge, or after its refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) admitted: bool,
    /// Probes that would be admitted now.
    pub(crate) remaining: u64,
    /// Until the allowance is whole again.
    pub(crate) reset: Duration,
    /// Until the same request would be admitted; zero if it was. The time for a whole allowance if
    /// it asks for more than that.
    pub(crate) wait: Duration,
}

impl Rate {
    /// `per_minute` probes in the long run, `burst` at once; none if there is no limit.
    pub(crate) fn new(per_minute: u32, burst: u32) -> Option<Self> {
        let interval = MICROS_PER_MINUTE.checked_div(u64::from(per_minute))?;
        Some(Self { interval: NonZeroU64::new(interval)?, burst: u64::from(burst) })
    }

    /// The most that may come at once, in probes.
    pub(crate) const fn burst(self) -> u64 {
        self.burst
    }

    /// What one probe costs, in microseconds.
    pub(crate) const fn interval_micros(self) -> u64 {
        self.interval.get()
    }

    /// How far in the future a TAT may lie, in microseconds.
    pub(crate) const fn tolerance_micros(self) -> u64 {
        self.interval.get().saturating_mul(self.burst)
    }

    /// How long an empty allowance takes to become whole.
    pub(crate) const fn window(self) -> Duration {
        Duration::from_micros(self.tolerance_micros())
    }

    /// The TAT after `cost` more probes at `now`.
    pub(crate) fn charged(self, tat: u64, now: u64, cost: u64) -> u64 {
        tat.max(now).saturating_add(self.interval.get().saturating_mul(cost))
    }

    /// Whether a TAT is near enough to be admitted.
    pub(crate) fn admits(self, charged: u64, now: u64) -> bool {
        charged.saturating_sub(now) <= self.tolerance_micros()
    }

    /// How a subject stands at `tat`, after a request for `cost` probes was `admitted` or not.
    pub(crate) fn standing(self, tat: u64, now: u64, cost: u64, admitted: bool) -> Standing {
        let debt = tat.saturating_sub(now);
        let tolerance = self.tolerance_micros();
        let wait = match admitted {
            true => 0,
            false if cost > self.burst => tolerance,
            false => self.charged(tat, now, cost).saturating_sub(now).saturating_sub(tolerance),
        };
        Standing {
            admitted,
            remaining: tolerance.saturating_sub(debt) / self.interval,
            reset: Duration::from_micros(debt),
            wait: Duration::from_micros(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000;

    /// One probe a second, ten at once.
    fn rate() -> Rate {
        Rate::new(60, 10).unwrap()
    }

    #[test]
    fn charges_at_a_rate_of_one_a_second_and_ten_at_once() {
        let cases = [
            (0, 0, 10, true, "the whole burst at once"),
            (0, 0, 11, false, "one more than the burst"),
            (10 * SECOND, 0, 1, false, "one more after the burst"),
            (10 * SECOND, SECOND - 1, 1, false, "not quite a second later"),
            (10 * SECOND, SECOND, 1, true, "a second later"),
            (10 * SECOND, SECOND, 2, false, "but not two"),
            (10 * SECOND, 100 * SECOND, 10, true, "whole again"),
            (10 * SECOND, 100 * SECOND, 11, false, "but never more than whole"),
            (u64::MAX, 0, 1, false, "a state from nonsense"),
            (0, 0, u64::MAX, false, "a cost from nonsense"),
        ];
        for (tat, now, cost, admitted, why) in cases {
            assert_eq!(rate().admits(rate().charged(tat, now, cost), now), admitted, "{why}");
        }
    }

    #[test]
    fn standings_tell_what_remains_and_how_long_to_wait() {
        let cases = [
            (0, 0, 0, true, 10, 0, 0, "nothing asked"),
            (4 * SECOND, 0, 4, true, 6, 4, 0, "four charged"),
            (9 * SECOND, 0, 3, false, 1, 9, 2, "three asked, one left"),
            (0, 0, 11, false, 10, 0, 10, "more than the burst: a whole window"),
        ];
        for (tat, now, cost, admitted, remaining, reset, wait, why) in cases {
            let standing = rate().standing(tat, now, cost, admitted);
            let seconds = Duration::from_secs;
            let expected =
                Standing { admitted, remaining, reset: seconds(reset), wait: seconds(wait) };
            assert_eq!(standing, expected, "{why}");
        }
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert_eq!(Rate::new(0, 100), None);
    }

    proptest! {
        /// Whatever is asked whenever: never more than the burst plus what the time brought.
        #[test]
        fn never_more_than_burst_plus_refill(
            per_minute in 1..100_000u32,
            burst in 1..5_000u32,
            asked in prop::collection::vec((0..3 * SECOND, 0..2_000u64), 1..200),
        ) {
            let rate = Rate::new(per_minute, burst).unwrap();
            let (mut tat, mut now, mut admitted) = (0, 0, 0);
            for (later, cost) in asked {
                now += later;
                let charged = rate.charged(tat, now, cost);
                if rate.admits(charged, now) {
                    tat = charged;
                    admitted += cost;
                }
            }
            let refill = now / rate.interval_micros();
            prop_assert!(admitted <= u64::from(burst) + refill + 1, "{admitted}");
        }

        /// Whoever waits as long as told is admitted.
        #[test]
        fn the_wait_is_long_enough(tat in 0..10 * SECOND, cost in 1..=10u64) {
            let rate = rate();
            let standing = rate.standing(tat, 0, cost, false);
            let later = u64::try_from(standing.wait.as_micros()).unwrap();
            prop_assert!(rate.admits(rate.charged(tat, later, cost), later));
        }
    }
}
