//! Why a checker gave no verdict.

use std::{net::IpAddr, time::Duration};

use port_checker_api::{ErrorBody, ErrorCode, Extensible, Port};
use serde::{Deserialize, de::IgnoredAny};

use crate::Family;

/// A checker gave no verdict. Says nothing about the ports: ask another checker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoVerdict {
    /// The checker could not be talked to.
    #[error("cannot talk to {url}: {reason}")]
    Unreachable {
        /// The checker.
        url: String,
        /// The failure.
        reason: String,
    },
    /// The checker did not answer in time.
    #[error("{url} did not answer within {timeout:?}")]
    TimedOut {
        /// The checker.
        url: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// The checker was given as an address, and cannot be asked over the other family.
    #[error("{url} is an {family} address, and sees this machine's {family} address only")]
    OtherFamily {
        /// The checker.
        url: String,
        /// The family of its address.
        family: Family,
    },
    /// The checker knows no UDP: it ignores the transport that a request names, and would check TCP instead.
    #[error("{url} does not check UDP: it is of an earlier version, or another program")]
    NoUdp {
        /// The checker.
        url: String,
    },
    /// Over UDP a checker judges only the address from which it is asked.
    #[error(
        "{url} was not asked about UDP ports of {address}: it sees this machine at {seen}, and over UDP a checker \
         judges only the address from which it is asked. Run verify on the machine itself"
    )]
    AnothersAddress {
        /// The checker.
        url: String,
        /// The address to check.
        address: IpAddr,
        /// The address from which the checker sees this machine.
        seen: IpAddr,
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
        /// The checker's words, or a part of its answer if it has none.
        message: String,
        /// When the checker says that it may be asked again.
        retry_after: Option<Duration>,
    },
    /// The checker calls a port closed because of a fault that is its own, and not the port's.
    #[error("{url} could not check port {port}: {message}")]
    CheckerFault {
        /// The checker.
        url: String,
        /// The first such port.
        port: Port,
        /// The checker's own words.
        message: String,
        /// Whether it is the checker that lacks descriptors, memory or ports, and may do with fewer ports at once.
        shortage: bool,
    },
    /// The checker signed something else than what was asked for, or published no keys to verify it with.
    #[error("{url} gave a wrong statement: {reason}")]
    WrongStatement {
        /// The checker.
        url: String,
        /// The problem.
        reason: String,
    },
    /// The checker's answer is not one of the contract.
    #[error("{url} gave an answer that cannot be understood: {reason}")]
    Malformed {
        /// The checker.
        url: String,
        /// The problem.
        reason: String,
    },
}

impl NoVerdict {
    /// Whether the checker may well answer about some of the ports: it takes fewer at once, does not dial all of them, or
    /// judges none over UDP.
    pub(crate) fn may_be_about_some_ports(&self) -> bool {
        use ErrorCode::{RateLimited, TargetNotAllowed, TooManyPorts};
        match self {
            Self::Refused { code: Some(code), .. } => {
                matches!(code.known(), Some(TooManyPorts | TargetNotAllowed | RateLimited))
            }
            Self::CheckerFault { shortage, .. } => *shortage,
            Self::NoUdp { .. } | Self::AnothersAddress { .. } => true,
            _ => false,
        }
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
            Err(_) => (None, words(url, status, body)),
        };
        Self::Refused { url: url.to_owned(), status, code, message, retry_after }
    }

    pub(crate) fn redirected(url: &str, status: u16, elsewhere: &str) -> Self {
        let message = format!(
            "it is, or a portal wants you to go, at {}; give that address if it is the checker's",
            quoted(elsewhere)
        );
        Self::Refused { url: url.to_owned(), status, code: None, message, retry_after: None }
    }

    pub(crate) fn wrong_statement(url: &str, reason: &str) -> Self {
        Self::WrongStatement { url: url.to_owned(), reason: quoted(reason) }
    }

    pub(crate) fn malformed(url: &str, reason: impl ToString) -> Self {
        Self::Malformed { url: url.to_owned(), reason: quoted(&reason.to_string()) }
    }
}

/// The body of other services of this kind: FastAPI's.
#[derive(Deserialize)]
struct Detail {
    detail: String,
}

/// The text for a refusal whose body does not follow the contract: the body's words where they are for people.
fn words(url: &str, status: u16, body: &[u8]) -> String {
    if let Ok(Detail { detail }) = serde_json::from_slice(body) {
        return quoted(&detail);
    }
    let text = quoted(String::from_utf8_lossy(body).trim());
    let for_programs = || serde_json::from_slice::<IgnoredAny>(body).is_ok();
    if text.is_empty() || text.starts_with('<') || for_programs() {
        by_status(url, status)
    } else {
        text
    }
}

fn by_status(url: &str, status: u16) -> String {
    match status {
        400 if url.starts_with("http://") => {
            let address = url.trim_start_matches("http://");
            return format!(
                "it does not take this for HTTP; if it expects HTTPS, try https://{address}"
            );
        }
        401 | 403 => "it, or a proxy or portal before it, wants you to log in",
        404 | 405 => "it has no such route: is this the address of a port checker?",
        407 | 511 => "a proxy or portal before it wants you to log in",
        413 => "a proxy before it does not pass on so large a request",
        422 => "it does not accept the request",
        429 => "it, or a proxy before it, wants fewer requests",
        502 => "a proxy before it cannot reach it",
        503 => "it, or a proxy before it, takes no work now",
        504 => "a proxy before it waited for its answer in vain",
        500.. => "it has a defect, or a proxy before it has",
        _ => "it does not give the answer of a port checker",
    }
    .to_owned()
}

/// The problem with the body of a success.
pub(crate) fn unreadable(body: &[u8], error: &serde_json::Error) -> &'static str {
    match body.trim_ascii_start().first() {
        None => "it is empty",
        Some(b'<') => {
            "it is a web page: is this the address of a port checker, and is no portal or proxy in \
             between?"
        }
        Some(_) if error.is_data() => {
            "it is JSON, but not the answer of a port checker: is this the address of one?"
        }
        Some(_) => "it is not JSON, or not all of it: is this the address of a port checker?",
    }
}

/// The most characters of a foreign text that are shown.
const MAX_SHOWN_CHARS: usize = 400;

/// Words of somebody else, fit to be shown: without control characters, which a terminal would obey, and
/// without those that turn or hide text.
pub(crate) fn quoted(text: &str) -> String {
    text.chars().filter(|&char| !is_harmful(char)).take(MAX_SHOWN_CHARS).collect()
}

/// The same for a text that a person has to correct: such characters are escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for char in text.chars().take(MAX_SHOWN_CHARS) {
        match is_harmful(char) {
            true => shown.extend(char.escape_default()),
            false => shown.push(char),
        }
    }
    shown
}

fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
