//! Durations in words.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// A duration to the second, or from an hour on to the minute: "1 min 12 s".
pub(crate) fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = |large: u64, name: &str, rest: u64, unit: &str| match rest {
        0 => format!("{large} {name}"),
        rest => format!("{large} {name} {rest} {unit}"),
    };
    match seconds {
        HOUR.. => parts(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        MINUTE.. => parts(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        _ => format!("{seconds} s"),
    }
}

/// The time that is left, rounded up: it does not end earlier than it says.
pub(crate) fn words_of_rest(duration: Duration) -> String {
    words(Duration::from_secs(duration.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_minutes_and_hours() {
        let cases = [
            (0, "0 s", "0 s"),
            (1, "0 s", "1 s"),
            (4_000, "4 s", "4 s"),
            (59_999, "59 s", "1 min"),
            (72_000, "1 min 12 s", "1 min 12 s"),
            (3_600_000, "1 h", "1 h"),
            (90_065_000, "25 h 1 min", "25 h 1 min"),
        ];
        for (milliseconds, elapsed, left) in cases {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!((words(duration).as_str(), &*words_of_rest(duration)), (elapsed, left));
        }
    }
}
