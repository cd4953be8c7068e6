//! Words that a newer checker may have more of.

use serde::{Deserialize, Serialize};

/// A word of a set that later versions may extend: one that this version knows, or the text of one that
/// it does not. So an unknown word leaves the rest of an answer readable.
///
/// ```
/// use port_checker_api::{ErrorBody, ErrorCode, Extensible};
///
/// let body: ErrorBody =
///     serde_json::from_str(r#"{"detail": {"code": "OUT_OF_INK", "message": "refill"}}"#)?;
/// assert_eq!(body.detail.code, Extensible::Unknown("OUT_OF_INK".to_owned()));
/// assert_eq!(body.detail.code.known(), None::<ErrorCode>);
/// assert_eq!(body.detail.message, "refill");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Extensible<T> {
    /// A word that this version knows.
    Known(T),
    /// Another one, as it was sent.
    Unknown(String),
}

impl<T: Copy> Extensible<T> {
    /// The word, if this version knows it.
    pub const fn known(&self) -> Option<T> {
        match self {
            Self::Known(word) => Some(*word),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> From<T> for Extensible<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChallengeOutcome, PortDetails, PortResult, Reason};

    #[test]
    fn unknown_words_leave_the_rest_readable_and_are_kept() {
        let json = r#"{"accessible":false,"error":"Eaten by a dog","reason":"eaten","attempts":2,"connect_ms":1.5,"challenge":"growled","icmp":null}"#;
        let result: PortResult = serde_json::from_str(json).unwrap();
        let expected = PortDetails {
            reason: Some(Extensible::Unknown("eaten".to_owned())),
            attempts: 2,
            connect_ms: 1.5,
            challenge: Some(Extensible::Unknown("growled".to_owned())),
            icmp: None,
        };
        assert_eq!(result.details, Some(expected));
        assert_eq!(serde_json::to_string(&result).unwrap(), json);
    }

    #[test]
    fn known_words_are_known() {
        let reason: Extensible<Reason> = serde_json::from_str(r#""timed_out""#).unwrap();
        assert_eq!(reason.known(), Some(Reason::TimedOut));
        let outcome: Extensible<ChallengeOutcome> = serde_json::from_str(r#""matched""#).unwrap();
        assert_eq!(outcome, ChallengeOutcome::Matched.into());
        assert!(serde_json::from_str::<Extensible<Reason>>("7").is_err(), "no word");
    }
}
