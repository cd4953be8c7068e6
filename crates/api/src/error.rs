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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// For a program: one of the set of the checker's version.
    #[cfg_attr(feature = "openapi", schema(value_type = ErrorCode))]
    pub code: Extensible<ErrorCode>,
    /// For a person: names the offending value and the values that would be accepted.
    pub message: String,
}

/// The set of error codes; each belongs to one HTTP status. Later versions may have more, which is why
/// those who read one use [`Extensible`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
            | Self::InvalidRequest => 422,
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
