//! The proof that the listener which answers is the caller's own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A line that the caller's listener sends, followed by a line feed, to every client that connects: 16 to 128
/// printable ASCII characters. A listener that sends it to the checker has seen the caller's request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Challenge(String);

impl Challenge {
    /// The fewest characters: too many to guess.
    pub const MIN_LENGTH: usize = 16;
    /// The most characters.
    pub const MAX_LENGTH: usize = 128;

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot be a challenge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a challenge has {} to {} printable ASCII characters",
    Challenge::MIN_LENGTH,
    Challenge::MAX_LENGTH
)]
pub struct InvalidChallenge;

impl TryFrom<String> for Challenge {
    type Error = InvalidChallenge;

    fn try_from(text: String) -> Result<Self, InvalidChallenge> {
        let length = (Self::MIN_LENGTH..=Self::MAX_LENGTH).contains(&text.len());
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if length && printable { Ok(Self(text)) } else { Err(InvalidChallenge) }
    }
}

impl FromStr for Challenge {
    type Err = InvalidChallenge;

    fn from_str(text: &str) -> Result<Self, InvalidChallenge> {
        text.to_owned().try_into()
    }
}

impl From<Challenge> for String {
    fn from(challenge: Challenge) -> Self {
        challenge.0
    }
}

/// Keeps the characters out of logs.
impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(…)")
    }
}

/// The outcome of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChallengeOutcome {
    /// The listener sent the challenge.
    Matched,
    /// The listener sent something else.
    Mismatched,
    /// The listener sent nothing.
    Silent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_can_be_challenges() {
        let cases = [
            ("0123456789abcdef".to_owned(), true, "the shortest"),
            ("~ ".repeat(64), true, "the longest, of the last and the first character"),
            ("0123456789abcde".to_owned(), false, "too short"),
            ("x".repeat(129), false, "too long"),
            ("0123456789abcde\n".to_owned(), false, "a line feed"),
            ("0123456789abcdeé".to_owned(), false, "beyond ASCII"),
            ("0123456789abcde\x7f".to_owned(), false, "a control character"),
        ];
        for (text, valid, why) in cases {
            assert_eq!(text.parse::<Challenge>().is_ok(), valid, "{why}");
            let json = serde_json::to_string(&text).unwrap();
            assert_eq!(serde_json::from_str::<Challenge>(&json).is_ok(), valid, "{why}");
        }
    }
}
