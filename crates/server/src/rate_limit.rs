//! The headers that tell a client the allowances that are left (draft-ietf-httpapi-ratelimit-headers).

use std::time::Duration;

use axum::{
    http::{HeaderName, HeaderValue},
    response::{IntoResponseParts, ResponseParts},
};
use port_checker_limits::{Quota, QuotaOfScope};

/// The probes that are left of each limit, and when it is whole again.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The limits: `q` probes within `w` seconds.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The values of both headers.
#[derive(Debug, Clone)]
pub(crate) struct RateLimitHeaders {
    left: String,
    policy: String,
}

impl RateLimitHeaders {
    pub(crate) fn new(quota: &Quota) -> Self {
        let lines =
            quota.0.iter().map(|QuotaOfScope { scope, remaining, reset, burst, window }| {
                let (name, reset, window) =
                    (scope.name(), whole_seconds(*reset), whole_seconds(*window));
                (
                    format!("\"{name}\";r={remaining};t={reset}"),
                    format!("\"{name}\";q={burst};w={window}"),
                )
            });
        let (left, policy): (Vec<_>, Vec<_>) = lines.unzip();
        Self { left: left.join(", "), policy: policy.join(", ") }
    }
}

impl IntoResponseParts for RateLimitHeaders {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        for (name, value) in [(RATE_LIMIT, self.left), (RATE_LIMIT_POLICY, self.policy)] {
            if !value.is_empty() {
                let value = HeaderValue::try_from(value).expect("names and numbers are plain");
                parts.headers_mut().insert(name, value);
            }
        }
        Ok(parts)
    }
}

/// Rounded up: never early.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
