//! How often the same checkers are asked again.

use std::{cmp::max, time::Duration};

use tokio::time::Instant;

/// The shortest pause between two tries of `--wait`.
const MIN_PAUSE: Duration = Duration::from_secs(5);

/// The part of the pause for each port, so that a checker with default limits (300 probes a minute of an
/// address by itself) can be asked for hours.
const PAUSE_PER_PORT: Duration = Duration::from_millis(200);

/// The shortest interval of `--every` between checks by a checker of others: thousands of nodes may share it.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// The shortest interval of all, for checkers of this machine or of its network: each round occupies every port
/// for a moment.
pub(crate) const MIN_LOCAL_INTERVAL: Duration = Duration::from_secs(1);

/// The longest interval of all: 30 days. A longer one is more likely a typing error.
pub(crate) const MAX_INTERVAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The random part of an interval and the pause that it always leaves: one part in so many.
const PART: u32 = 10;

/// The pause between two tries of `--wait`.
pub(crate) fn pause_between_tries(ports: usize) -> Duration {
    MIN_PAUSE.max(per_port(ports))
}

/// The shortest interval of `--every` for so many ports.
pub(crate) fn min_interval(ports: usize, local: bool) -> Duration {
    if local { MIN_LOCAL_INTERVAL } else { MIN_INTERVAL.max(per_port(ports)) }
}

/// When the round after one begins that began and ended then. Up to a tenth of the interval later, at random, so that
/// nodes that were started together do not ask together; and not before a tenth of it has passed without asking,
/// because a round that took long met a busy checker.
pub(crate) fn next_round(interval: Duration, began: Instant, ended: Instant) -> Instant {
    let jitter = (interval / PART).mul_f64(fastrand::f64());
    max(began + interval + jitter, ended + interval / PART)
}

fn per_port(ports: usize) -> Duration {
    PAUSE_PER_PORT * u32::try_from(ports).expect("there are no more than 65,535 ports")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_interval_leaves_a_checker_its_limits() {
        let cases = [
            (1, false, 60, "a checker of others"),
            (300, false, 60, "as many ports as the limits give back in a minute"),
            (1024, false, 205, "more than that"),
            (1024, true, 1, "a checker of this machine"),
        ];
        for (ports, local, seconds, why) in cases {
            assert_eq!(min_interval(ports, local).as_millis().div_ceil(1000), seconds, "{why}");
        }
    }

    #[test]
    fn rounds_are_apart_by_the_interval_and_at_most_a_tenth_more() {
        let (interval, began) = (Duration::from_secs(600), Instant::now());
        let after =
            |seconds| next_round(interval, began, began + Duration::from_secs(seconds)) - began;
        let pauses: Vec<Duration> = (0..100).map(|_| after(30)).collect();
        let range = Duration::from_secs(600)..=Duration::from_secs(660);
        assert!(pauses.iter().all(|pause| range.contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
        assert_eq!(after(900).as_secs(), 960, "a round that took long");
    }
}
