//! How long a statement is valid.

use crate::{invalid_claim::InvalidClaim, timestamp::Timestamp};

/// The longest that a statement is valid, in seconds: a day. Addresses change hands.
pub const MAX_LIFETIME_SECONDS: u64 = 86_400;

/// The seconds by which the clocks of a checker and a verifier may differ.
pub const LEEWAY_SECONDS: u64 = 60;

/// `iat` and `exp`: from when a statement is valid, and when it ends, 1 to 86400 seconds later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Validity {
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Validity {
    /// Begins at a time and lasts for some seconds.
    ///
    /// # Errors
    /// No seconds, more than [`MAX_LIFETIME_SECONDS`], or an end after [`Timestamp::MAX`].
    pub fn new(issued_at: Timestamp, lifetime_seconds: u64) -> Result<Self, InvalidClaim> {
        let end = issued_at.seconds().saturating_add(lifetime_seconds);
        let expires_at = Timestamp::from_seconds(end).map_err(|_| InvalidClaim::Validity)?;
        Self::between(issued_at, expires_at)
    }

    /// Between two times.
    ///
    /// # Errors
    /// The end is not after the beginning, or more than [`MAX_LIFETIME_SECONDS`] after it.
    pub fn between(issued_at: Timestamp, expires_at: Timestamp) -> Result<Self, InvalidClaim> {
        let sound = expires_at > issued_at && !expires_at.is_after(issued_at, MAX_LIFETIME_SECONDS);
        if sound { Ok(Self { issued_at, expires_at }) } else { Err(InvalidClaim::Validity) }
    }

    /// When the statement was made.
    pub const fn issued_at(self) -> Timestamp {
        self.issued_at
    }

    /// The first second in which it is not valid.
    pub const fn expires_at(self) -> Timestamp {
        self.expires_at
    }

    /// Whether it was made later than `now`, by more than clocks may differ.
    pub(crate) const fn begins_after(self, now: Timestamp) -> bool {
        self.issued_at.is_after(now, LEEWAY_SECONDS)
    }

    /// Whether it has ended, by more than clocks may differ.
    pub(crate) fn has_ended(self, now: Timestamp) -> bool {
        now.seconds() >= self.expires_at.seconds().saturating_add(LEEWAY_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    #[test]
    fn a_statement_is_valid_for_up_to_a_day() {
        let cases = [
            (0, false, "no time"),
            (1, true, "the shortest"),
            (86_400, true, "the longest"),
            (86_401, false, "too long"),
            (u64::MAX, false, "far too long"),
        ];
        for (lifetime, valid, why) in cases {
            let validity = Validity::new(at(1_000), lifetime);
            assert_eq!(validity.is_ok(), valid, "{why}");
            if let Ok(validity) = validity {
                assert_eq!(validity.issued_at(), at(1_000), "{why}");
                assert_eq!(validity.expires_at(), at(1_000 + lifetime), "{why}");
            }
        }
        assert_eq!(Validity::new(Timestamp::MAX, 1), Err(InvalidClaim::Validity));
        assert_eq!(Validity::between(at(10), at(9)), Err(InvalidClaim::Validity));
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let validity = Validity::new(at(1_000), 100).unwrap();
        assert_eq!(
            [939, 940, 1_000].map(|now| validity.begins_after(at(now))),
            [true, false, false]
        );
        assert_eq!(
            [1_099, 1_159, 1_160].map(|now| validity.has_ended(at(now))),
            [false, false, true]
        );
    }
}
