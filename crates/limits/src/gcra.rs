//! The generic cell rate algorithm (ITU-T I.371): one number of state per subject, no timers.
//!
//! The state is the *theoretical arrival time* (TAT): when the subject's allowance will be whole
//! again if it asks for nothing more. The time until then is the subject's debt. A probe adds one
//! interval to it; as long as the debt is no longer than the window, the probe is admitted. Times
//! are microseconds since an epoch that the storage chooses.

use std::{num::NonZeroU64, time::Duration};

const MICROS_PER_MINUTE: u64 = 60_000_000;

/// How many probes a subject may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// The cost of one probe, in microseconds.
    interval: NonZeroU64,
    /// How many probes may come at once.
    burst: u64,
}

/// A storage's answer to a change of a subject's debt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The debt that results, in microseconds: with the change if every change of the request is admitted,
    /// else without.
    pub(crate) debt: u64,
    /// Whether the debt with this change is within the window.
    pub(crate) admitted: bool,
}

/// A subject's allowance after a charge, or after its refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) admitted: bool,
    /// Probes that would be admitted now.
    pub(crate) remaining: u64,
    /// Until the allowance is whole again.
    pub(crate) reset: Duration,
    /// Until the same request would be admitted; zero if it was.
    pub(crate) wait: Duration,
}

/// A subject's debt without and with a change, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DebtChange {
    before: u64,
    after: u64,
    admitted: bool,
}

impl DebtChange {
    /// The change at `now` of the debt of a subject whose TAT is given. A TAT beyond the window was written
    /// by another clock, and counts as the window's end. A debt is never less than none.
    pub(crate) fn new(tat: u64, now: u64, change: i64, rate: Rate) -> Self {
        let window = rate.window_micros();
        let before = tat.saturating_sub(now).min(window);
        let after = before.saturating_add_signed(change);
        Self { before, after, admitted: after <= window }
    }
}

/// The debts after their changes were all made, or none.
pub(crate) fn all_or_none(changes: &[DebtChange]) -> Vec<Reading> {
    let all = changes.iter().all(|change| change.admitted);
    let reading = |change: &DebtChange| Reading {
        debt: if all { change.after } else { change.before },
        admitted: change.admitted,
    };
    changes.iter().map(reading).collect()
}

impl Rate {
    /// `per_minute` probes in the long run, `burst` at once; none if there is no limit.
    pub(crate) fn new(per_minute: u32, burst: u32) -> Option<Self> {
        let interval = MICROS_PER_MINUTE.checked_div(u64::from(per_minute))?;
        Some(Self { interval: NonZeroU64::new(interval)?, burst: u64::from(burst) })
    }

    /// Two rates that together are this one. If the burst is odd, the first is larger by one.
    pub(crate) fn halves(self) -> [Self; 2] {
        let interval = self.interval.saturating_add(self.interval.get());
        let smaller = self.burst / 2;
        [self.burst - smaller, smaller].map(|burst| Self { interval, burst })
    }

    /// The most that may come at once, in probes.
    pub(crate) const fn burst(self) -> u64 {
        self.burst
    }

    /// The debt that `cost` probes add, in microseconds.
    pub(crate) fn micros(self, cost: u64) -> u64 {
        self.interval.get().saturating_mul(cost)
    }

    /// The longest debt, in microseconds.
    pub(crate) fn window_micros(self) -> u64 {
        self.micros(self.burst)
    }

    /// How long an empty allowance takes to become whole.
    pub(crate) fn window(self) -> Duration {
        Duration::from_micros(self.window_micros())
    }

    /// The balance of a subject that owes `debt` microseconds, after a request for `cost` probes was
    /// `admitted` or not.
    pub(crate) fn balance(self, debt: u64, cost: u64, admitted: bool) -> Balance {
        let window = self.window_micros();
        let wait = match admitted {
            true => 0,
            false => debt.saturating_add(self.micros(cost)).saturating_sub(window),
        };
        Balance {
            admitted,
            remaining: window.saturating_sub(debt) / self.interval,
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

    /// The answer to a charge.
    fn charge(rate: Rate, tat: u64, now: u64, cost: u64) -> Reading {
        let change = i64::try_from(rate.micros(cost)).unwrap_or(i64::MAX);
        all_or_none(&[DebtChange::new(tat, now, change, rate)])[0]
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
            assert_eq!(charge(rate(), tat, now, cost).admitted, admitted, "{why}");
        }
    }

    #[test]
    fn times_of_another_clock_count_as_the_end_of_the_window() {
        const HOUR: u64 = 3600 * SECOND;
        let cases = [
            (HOUR, 10 * SECOND, "a clock that was an hour ahead"),
            (u64::MAX, 10 * SECOND, "nonsense"),
            (7 * SECOND, 7 * SECOND, "within the window"),
            (0, 0, "a clock that was behind"),
        ];
        for (tat, debt, why) in cases {
            let reading = charge(rate(), tat, 0, 11);
            assert_eq!(reading.debt, debt, "{why}");
            let wait = rate().balance(reading.debt, 1, false).wait;
            assert!(wait <= Duration::from_secs(1), "{why}: one probe comes back in a second");
        }
    }

    #[test]
    fn giving_back_never_makes_more_than_a_whole_allowance() {
        let seconds = |count: i64| count * 1_000_000;
        let cases = [(10, -4, 6), (10, -10, 0), (3, -4, 0), (0, -1, 0)];
        for (debt, change, after) in cases {
            let change = DebtChange::new(debt * SECOND, 0, seconds(change), rate());
            assert_eq!(all_or_none(&[change])[0].debt, after * SECOND);
        }
    }

    #[test]
    fn balances_tell_what_remains_and_how_long_to_wait() {
        let cases = [
            (0, 0, true, 10, 0, 0, "nothing asked"),
            (4 * SECOND, 4, true, 6, 4, 0, "four charged"),
            (9 * SECOND, 3, false, 1, 9, 2, "three asked, one left"),
        ];
        for (debt, cost, admitted, remaining, reset, wait, why) in cases {
            let balance = rate().balance(debt, cost, admitted);
            let seconds = Duration::from_secs;
            let expected =
                Balance { admitted, remaining, reset: seconds(reset), wait: seconds(wait) };
            assert_eq!(balance, expected, "{why}");
        }
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert_eq!(Rate::new(0, 100), None);
    }

    #[test]
    fn two_halves_are_a_whole() {
        for (burst, halves) in [(2048, [1024, 1024]), (2047, [1024, 1023]), (1, [1, 0])] {
            let whole = Rate::new(600, burst).unwrap();
            assert_eq!(whole.halves().map(Rate::burst), halves);
            assert_eq!(whole.halves().map(|half| half.micros(1)), [2 * whole.micros(1); 2]);
        }
    }

    proptest! {
        /// No series of requests is admitted more than the burst and the refill.
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
                let reading = charge(rate, tat, now, cost);
                if reading.admitted {
                    tat = now + reading.debt;
                    admitted += cost;
                }
            }
            let refill = now / rate.micros(1);
            prop_assert!(admitted <= u64::from(burst) + refill + 1, "{admitted}");
        }

        /// A caller that waits as long as told is admitted.
        #[test]
        fn the_wait_is_long_enough(tat in 0..10 * SECOND, cost in 1..=10u64) {
            let wait = rate().balance(tat, cost, false).wait;
            let later = u64::try_from(wait.as_micros()).unwrap();
            prop_assert!(charge(rate(), tat, later, cost).admitted);
        }
    }
}
