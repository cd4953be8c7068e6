//! Why a checker gave no verdict.

use std::time::Duration;

use port_checker_api::{ErrorBody, ErrorCode, Extensible};

/// A checker gave no verdict. Says nothing about the ports: ask another checker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoVerdict {
    /// The checker could not be talked to.
    #[error("cannot talk to {url}: {reason}")]
    Unreachable {
        /// The checker.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The checker did not answer in time.
    #[error("{url} did not answer within {patience:?}")]
    TimedOut {
        /// The checker.
        url: String,
        /// How long was waited.
        patience: Duration,
    },
    /// The checker refused, or could not do its part.
    #[error("{url} answered {status}: {message}")]
    Refused {
        /// The checker.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The code of the contract, if the answer has one.
        code: Option<Extensible<ErrorCode>>,
        /// The checker's own words, or a part of what it sent in their place.
        message: String,
        /// When the checker says that it may be asked again.
        retry_after: Option<Duration>,
    },
    /// The checker's answer is not one of the contract.
    #[error("{url} gave an answer that cannot be understood: {reason}")]
    Malformed {
        /// The checker.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl NoVerdict {
    /// Whether the checker may well answer about some of the ports: it takes fewer at once, or does
    /// not dial all of them.
    pub(crate) fn may_be_about_some_ports(&self) -> bool {
        use ErrorCode::{RateLimited, TargetNotAllowed, TooManyPorts};
        let Self::Refused { code: Some(code), .. } = self else { return false };
        matches!(code.known(), Some(TooManyPorts | TargetNotAllowed | RateLimited))
    }

    /// When the checker says that it may be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn from_answer(
        url: &str,
        status: u16,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let (code, message) = match serde_json::from_slice::<ErrorBody>(body) {
            Ok(ErrorBody { detail }) => (Some(detail.code), quoted(&detail.message)),
            Err(_) => (None, quoted(&String::from_utf8_lossy(body))),
        };
        Self::Refused { url: url.to_owned(), status, code, message, retry_after }
    }

    pub(crate) fn malformed(url: &str, reason: impl ToString) -> Self {
        Self::Malformed { url: url.to_owned(), reason: quoted(&reason.to_string()) }
    }
}

/// Words of somebody else, fit to be shown: no control characters, which a terminal would obey, none
/// that turn or hide text, and no more than a person reads.
pub(crate) fn quoted(text: &str) -> String {
    const MOST_CHARACTERS: usize = 400;
    let turns_or_hides = |char| matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let shown = text.chars().filter(|&char| !char.is_control() && !turns_or_hides(char));
    shown.take(MOST_CHARACTERS).collect()
}
