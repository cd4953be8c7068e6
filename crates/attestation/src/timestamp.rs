//! Times of claims.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::invalid_claim::InvalidClaim;

/// A NumericDate (RFC 7519, section 2) without fractions: seconds since 1970-01-01T00:00:00Z, to the end of the year
/// 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// A number of seconds since 1970.
    ///
    /// # Errors
    /// Beyond [`MAX`](Self::MAX).
    pub fn from_seconds(seconds: u64) -> Result<Self, InvalidClaim> {
        if seconds <= Self::MAX.0 { Ok(Self(seconds)) } else { Err(InvalidClaim::Timestamp) }
    }

    /// Seconds since 1970.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Whether this is later than another time by more than some seconds.
    pub(crate) const fn is_after(self, other: Self, seconds: u64) -> bool {
        // Neither sum nor difference can leave the range: times end at MAX.
        self.0 > other.0.saturating_add(seconds)
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = InvalidClaim;

    /// Fractions are left out.
    fn try_from(time: SystemTime) -> Result<Self, InvalidClaim> {
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| InvalidClaim::Timestamp)?;
        Self::from_seconds(since.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_from_1970_to_9999() {
        let cases =
            [(0, true), (253_402_300_799, true), (253_402_300_800, false), (u64::MAX, false)];
        for (seconds, valid) in cases {
            let time = Timestamp::from_seconds(seconds);
            assert_eq!(time.is_ok_and(|time| time.seconds() == seconds), valid, "{seconds}");
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Timestamp::try_from(before), Err(InvalidClaim::Timestamp));
        let fraction = UNIX_EPOCH + Duration::from_millis(1_999);
        assert_eq!(Timestamp::try_from(fraction), Timestamp::from_seconds(1));
    }

    #[test]
    fn later_by_more_than_some_seconds() {
        let [one, two] = [100, 160].map(|seconds| Timestamp::from_seconds(seconds).unwrap());
        assert!(two.is_after(one, 59) && !two.is_after(one, 60));
        assert!(!one.is_after(two, 0) && !two.is_after(two, 0));
    }
}
