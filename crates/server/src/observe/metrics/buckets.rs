//! The ends of the buckets of histograms: around the settings, so that one bucket holds times as long as a
//! setting allows, and another the longer ones.

use std::time::Duration;

use crate::config::Config;

/// Seconds; from a host next door to the longest time-out that can be set.
const PROBE_LADDER: [f64; 14] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0];

/// Seconds; from an answer without a check to the longest deadline that can be set.
const REQUEST_LADDER: [f64; 14] =
    [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0, 300.0];

/// How near to a setting its own buckets end, as parts of it: times that end by the setting are between.
const AROUND: [f64; 2] = [0.9, 1.1];

/// For attempts: those that never got an answer end at the time-out.
pub(super) fn of_probes(config: &Config) -> Vec<f64> {
    around(&PROBE_LADDER, &[config.probe.timeout])
}

/// For requests: those with a port that never answered end after all its attempts, and none may take
/// longer than the deadline.
pub(super) fn of_requests(config: &Config) -> Vec<f64> {
    around(&REQUEST_LADDER, &[config.probe.longest(), config.deadline])
}

/// The steps of a ladder below the longest of `settings`, but for those near to one, and two ends
/// around each setting.
fn around(ladder: &[f64], settings: &[Duration]) -> Vec<f64> {
    let settings = settings.iter().map(Duration::as_secs_f64);
    let longest = settings.clone().fold(0.0, f64::max);
    let near = |step: f64| {
        settings.clone().any(|setting| (setting * AROUND[0]..=setting * AROUND[1]).contains(&step))
    };
    let steps = ladder.iter().copied().filter(|&step| step < longest && !near(step));
    let ends =
        settings.clone().flat_map(|setting| AROUND.map(|part| to_milliseconds(setting * part)));
    let mut buckets: Vec<f64> = steps.chain(ends).filter(|&end| end > 0.0).collect();
    buckets.sort_by(f64::total_cmp);
    buckets.dedup();
    buckets
}

/// More digits would make unreadable labels.
fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_end_around_the_settings() {
        let cases: [(&[f64], &[f64], &str); 4] = [
            (&[5.0], &[1.0, 2.0, 4.5, 5.5], "the default time-out"),
            (&[0.5], &[0.45, 0.55], "a short one"),
            (&[1.5, 10.0], &[1.0, 1.35, 1.65, 2.0, 5.0, 9.0, 11.0], "attempts and a deadline"),
            (&[0.001], &[0.001], "none of nothing"),
        ];
        for (settings, expected, why) in cases {
            let settings: Vec<_> = settings.iter().copied().map(Duration::from_secs_f64).collect();
            assert_eq!(around(&[1.0, 2.0, 5.0, 10.0, 60.0], &settings), expected, "{why}");
        }
    }

    #[test]
    fn a_port_that_never_answers_is_not_beyond_the_last_bucket() {
        let config = Config::default();
        for (buckets, setting) in [
            (of_probes(&config), config.probe.timeout),
            (of_requests(&config), config.probe.longest()),
            (of_requests(&config), config.deadline),
        ] {
            let late = setting.as_secs_f64() + 0.05;
            assert!(buckets.last().is_some_and(|&last| last > late), "{setting:?}: {buckets:?}");
            assert!(buckets.is_sorted() && buckets.len() < 20, "{buckets:?}");
        }
    }
}
