//! `POST /check-tls`: does a server prove to be who it should be?

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use port_checker_api::{ErrorBody, TlsCheckRequest, TlsCheckResponse};
use port_checker_probe::{TlsExpectation, TlsVerdict, Verdict};
use time::format_description::well_known::Rfc3339;

use super::tls_request;
use crate::{
    checks::tls::{TlsAnswer, TlsInquiry},
    net::caller::Caller,
    observe::access_log::Arrival,
    routes::body::JsonBytes,
    routes::state::AppState,
};

/// Whether a server shows a certificate that is good for its name.
///
/// The certificate is judged by the trust roots of the checker's system: its chain, its time, its
/// name, and the address in it if one is expected. A name is resolved once; every address it has must
/// be one that this checker may dial, and the one that is dialled is one of those.
#[utoipa::path(
    post,
    path = "/check-tls",
    tag = "Checks",
    request_body = TlsCheckRequest,
    responses(
        (status = 200, description = "What the handshake found.", body = TlsCheckResponse),
        (status = 403, description = "`TARGET_NOT_ALLOWED`: the policy refuses the port, or an address that the name has, or it has none.", body = ErrorBody),
        (status = 408, description = "`REQUEST_TIMEOUT`: the body did not arrive in time.", body = ErrorBody),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`: the body is larger than the checker reads.", body = ErrorBody),
        (status = 415, description = "`UNSUPPORTED_MEDIA_TYPE`: the body is not declared as JSON, or is compressed.", body = ErrorBody),
        (status = 422, description = "`INVALID_REQUEST`, `INVALID_PORT` or `INVALID_IP`.", body = ErrorBody),
        (status = 429, description = "`RATE_LIMITED`: the caller or the target is over its limit.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds"), ("RateLimit" = String, description = "What is left"), ("RateLimit-Policy" = String, description = "The limits"))),
        (status = 500, description = "`INTERNAL`: a defect in the checker.", body = ErrorBody),
        (status = 503, description = "`CHECK_FAILED`: the checker could not do its part. `OVERLOADED`: it has no capacity now. Neither says anything about the target.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds")))
    )
)]
pub(crate) async fn check_tls(
    State(state): State<AppState>,
    Caller(caller): Caller,
    Extension(arrival): Extension<Arrival>,
    body: JsonBytes,
) -> Response {
    let (request, name) = match body.parse(tls_request::parse) {
        Ok(parsed) => parsed,
        Err(error) => return error.into_response(),
    };
    let expected = TlsExpectation { name, ip: request.expected_ip };
    let mut inquiry =
        TlsInquiry { state: &state, caller, arrival, port: request.port, tally: None };
    let found = inquiry.ask(&expected).await;
    let tally = inquiry.tally;
    let answer = found.map(|TlsAnswer { verdict, not_after, standing }| {
        state.metrics.tls_judged(&verdict);
        if let Some(tally) = &tally {
            tally.update(|tally| tally.count(of_port(&verdict)));
        }
        let error = match &verdict {
            TlsVerdict::Valid => None,
            TlsVerdict::NotConnected(reason) => Some(reason.text().to_owned()),
            TlsVerdict::Invalid(problem) => Some(problem.to_string()),
        };
        let answer = TlsCheckResponse {
            valid: error.is_none(),
            peer: peer(&request),
            error,
            not_after: not_after.and_then(|time| time.format(&Rfc3339).ok()),
        };
        (standing, Json(answer))
    });
    (tally.map(Extension), answer).into_response()
}

/// `host:port`, an IPv6 address in brackets (RFC 3986, section 3.2.2).
fn peer(request: &TlsCheckRequest) -> String {
    let TlsCheckRequest { host, port, .. } = request;
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// For the log: a port that was connected to is open, whatever it showed.
fn of_port(verdict: &TlsVerdict) -> Verdict {
    match verdict {
        TlsVerdict::NotConnected(reason) => Verdict::NotOpen(*reason),
        TlsVerdict::Valid | TlsVerdict::Invalid(_) => Verdict::Open,
    }
}
