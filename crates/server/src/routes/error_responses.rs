//! The answers without success that several routes have, for the OpenAPI document.

use port_checker_api::ErrorBody;
use utoipa::IntoResponses;

/// The errors of every check.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) enum CheckErrors {
    #[response(
        status = 403,
        description = "`TARGET_NOT_ALLOWED`: the policy refuses the target or a port."
    )]
    NotAllowed(ErrorBody),
    #[response(
        status = 429,
        description = "`RATE_LIMITED`: the caller or the target is over its limit.",
        headers(
            ("Retry-After" = u64, description = "Seconds; missing if so many ports are never admitted at once"),
            ("RateLimit" = String, description = "The allowances that are left"),
            ("RateLimit-Policy" = String, description = "The limits")
        )
    )]
    RateLimited(ErrorBody),
    #[response(status = 500, description = "`INTERNAL`: a defect in the checker.")]
    Internal(ErrorBody),
    #[response(
        status = 503,
        description = "`CHECK_FAILED`: the checker could not do its part. `OVERLOADED`: it has no capacity now. Neither says anything about the target.",
        headers(("Retry-After" = u64, description = "Seconds"))
    )]
    Unavailable(ErrorBody),
}

/// The errors of every request with a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) enum BodyErrors {
    #[response(status = 408, description = "`REQUEST_TIMEOUT`: the body did not arrive in time.")]
    Late(ErrorBody),
    #[response(
        status = 413,
        description = "`PAYLOAD_TOO_LARGE`: the body is larger than the checker reads."
    )]
    TooLarge(ErrorBody),
    #[response(
        status = 415,
        description = "`UNSUPPORTED_MEDIA_TYPE`: the body is not declared as JSON, or is compressed."
    )]
    NotJson(ErrorBody),
}
