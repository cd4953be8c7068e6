//! Answers that are not a success.

use std::time::Duration;

use axum::{
    Extension, Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use port_checker_api::{ErrorBody, ErrorCode, ErrorDetail};
use port_checker_limits::Refused;
use port_checker_probe::{Fault, Refusal};

pub(crate) use crate::quote::{quoted, shortened, shown};
use crate::rate_limit::{RateLimitHeaders, whole_seconds};

/// How soon a client may come back after a fault of the checker. Most faults are a passing
/// shortage, over when the probes under way are.
const RETRY_AFTER_FAULT: Duration = Duration::from_secs(5);

/// An answer that is not a success.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: ErrorCode,
    message: String,
    retry_after: Option<Duration>,
    rate_limit: Option<RateLimitHeaders>,
}

/// The log's part of an answer that is not a success; attached to it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None, rate_limit: None }
    }

    /// The checker cannot do its part now.
    pub(crate) fn check_failed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::CheckFailed, message).with_retry_after(RETRY_AFTER_FAULT)
    }

    #[cfg(feature = "internals")]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The error body alone, for an answer that has begun.
    pub(crate) fn into_body(self) -> ErrorBody {
        ErrorBody { detail: ErrorDetail { code: self.code.into(), message: self.message } }
    }

    pub(crate) fn with_retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self {
            code: ErrorCode::RateLimited,
            message: refused.to_string(),
            retry_after: refused.retry_after,
            rate_limit: Some(RateLimitHeaders::new(&refused.quota)),
        }
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self::check_failed(format!("{fault}; this says nothing about the target"))
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let way_out = match &refusal {
            Refusal::SpecialPurpose { purpose, .. } if purpose.local => {
                "the operator can admit it with PORT_CHECKER_ALLOW_LOCAL_IPS=true or \
                 PORT_CHECKER_ALLOWED_TARGETS"
            }
            Refusal::SpecialPurpose { .. } => {
                "the operator can admit it with PORT_CHECKER_ALLOWED_TARGETS"
            }
            Refusal::Denied { .. } => "see PORT_CHECKER_DENIED_TARGETS",
            Refusal::NotTheCaller { .. } => "see PORT_CHECKER_TARGETS",
            Refusal::Port { .. } => "see PORT_CHECKER_ALLOWED_PORTS",
        };
        Self::new(ErrorCode::TargetNotAllowed, format!("{refusal}; {way_out}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { code, message, retry_after, rate_limit } = self;
        let status = StatusCode::from_u16(code.status()).expect("codes have valid statuses");
        let failure = Failure { code, message: message.clone() };
        let body = ErrorBody { detail: ErrorDetail { code: code.into(), message } };
        let mut response = (status, rate_limit, Extension(failure), Json(body)).into_response();
        if let Some(wait) = retry_after {
            // Whole seconds (RFC 9110, section 10.2.3).
            response.headers_mut().insert(RETRY_AFTER, whole_seconds(wait).into());
        }
        response
    }
}
