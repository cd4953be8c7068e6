//! The body of every answer that is not a success.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::Extensible;

/// `{"detail": {"code": …, "message": …}}`: the body of every non-2xx answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// The error.
    pub detail: ErrorDetail,
}

/// The error, for a program and for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For a program: one of the set of the checker's version.
    pub code: Extensible<ErrorCode>,
    /// For a person: names the offending value and the values that would be accepted.
    pub message: String,
}

/// The set of error codes; each belongs to one HTTP status. Later versions may have more, which is why
/// those who read one use [`Extensible`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "The error codes of this version; each belongs to one HTTP status.")
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ErrorCode {
    /// 422: `provider_ip` is not an IP literal.
    InvalidIp,
    /// 422: a port is not an integer in 1..=65535.
    InvalidPort,
    /// 422: more ports than one request may ask for.
    TooManyPorts,
    /// 422: the challenge's length or characters.
    InvalidChallenge,
    /// 422: malformed JSON, or a missing or mistyped field.
    InvalidRequest,
    /// 422: a signed statement was asked for, and this checker has no key, or no clock that it trusts.
    AttestationUnavailable,
    /// 403: the checker's policy refuses that address or port.
    TargetNotAllowed,
    /// 429: the caller or the target is over its limit; comes with `Retry-After`, unless so many ports
    /// are never admitted at once.
    RateLimited,
    /// 503: no capacity now; comes with `Retry-After`.
    Overloaded,
    /// 503: the checker could not do its part; comes with `Retry-After`. Says nothing about the
    /// target: ask another checker.
    CheckFailed,
    /// 413: the body is larger than the checker reads.
    PayloadTooLarge,
    /// 415: the body is not declared as `application/json`.
    UnsupportedMediaType,
    /// 404: no such route.
    NotFound,
    /// 405: the route exists, but not for this method.
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    RequestTimeout,
    /// 500: a defect in the checker.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the contract.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The code's name on the wire, in logs and in metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The HTTP status that goes with this code.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidIp
            | Self::InvalidPort
            | Self::TooManyPorts
            | Self::InvalidChallenge
            | Self::InvalidRequest
            | Self::AttestationUnavailable => 422,
            Self::TargetNotAllowed => 403,
            Self::RateLimited => 429,
            Self::Overloaded | Self::CheckFailed => 503,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::Internal => 500,
        }
    }
}

#[cfg(feature = "openapi")]
impl ErrorCode {
    /// A message as a checker with default settings sends it with this code.
    pub const fn example(self) -> &'static str {
        match self {
            Self::InvalidIp => {
                "provider_ip is 'home.example.org'; expected an IPv4 or IPv6 address without host name, zone, \
                 brackets or port"
            }
            Self::InvalidPort => "ports contains 0; expected integers from 1 to 65535",
            Self::TooManyPorts => "1025 ports asked for; at most 1024 are checked at once",
            Self::InvalidChallenge => {
                "challenge is 'short'; a challenge has 16 to 128 printable ASCII characters"
            }
            Self::InvalidRequest => {
                "ports is missing or null; expected an array of integers from 1 to 65535"
            }
            Self::AttestationUnavailable => {
                "this checker has no key to sign with; ask it without attest, or ask another one"
            }
            Self::TargetNotAllowed => {
                "203.0.113.7 is in 203.0.113.0/24 (documentation, RFC 5737); the operator can admit it with \
                 PORT_CHECKER_ALLOWED_TARGETS"
            }
            Self::RateLimited => {
                "1024 ports are more than the target 127.0.0.1 may have checked of itself now: 10 are left; \
                 come back after Retry-After"
            }
            Self::Overloaded => "744 of 744 probe sockets are in use and 12 checks wait for one",
            Self::CheckFailed => {
                "the checker could not start a connection for 192.0.2.10:443: Network is unreachable (os error \
                 101); this says nothing about the target"
            }
            Self::PayloadTooLarge => "the body is larger than 1048576 bytes",
            Self::UnsupportedMediaType => "Content-Type is 'text/plain'; send application/json",
            Self::NotFound => "there is no '/checkports'; see /docs",
            Self::MethodNotAllowed => "'/check-ports' does not take 'GET'; see Allow",
            Self::RequestTimeout => "the body did not arrive within 10s",
            Self::Internal => "a defect in the checker; its log says more",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_serde_writes() {
        for code in ErrorCode::ALL {
            let json = format!("\"{}\"", code.name());
            assert_eq!(serde_json::to_string(code).unwrap(), json);
            assert_eq!(&serde_json::from_str::<ErrorCode>(&json).unwrap(), code);
        }
    }

    #[test]
    fn the_body_has_the_shape_of_the_contract() {
        let body = ErrorBody {
            detail: ErrorDetail {
                code: ErrorCode::InvalidIp.into(),
                message: "'x' is not an IP address".to_owned(),
            },
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"detail":{"code":"INVALID_IP","message":"'x' is not an IP address"}}"#
        );
    }
}
