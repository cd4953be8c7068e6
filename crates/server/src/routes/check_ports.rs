//! `POST /check-ports`: can the Internet reach these ports?

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use port_checker_api::{CheckRequest, CheckResponse, ErrorBody};
use port_checker_probe::{Fault, Finding};

use super::{
    check_request,
    judging::{self, Judging, Question, result},
    progress,
};
use crate::{
    accept_header::WantsLines,
    access_log::Arrival,
    answer::Charge,
    body::{JsonBytes, no_room},
    caller::Caller,
    error::ApiError,
    state::AppState,
};

/// What the verdict of one port takes until its answer is sent, in bytes: a finding, a result, and the
/// text of both with all their details.
pub(super) const PORT_BYTES: usize = 512;

/// Whether ports of an address can be reached from here.
///
/// Every port is tried at once, each several times. A verdict is only ever about the target: when
/// the checker could not judge even one of the ports, the whole request is answered with 503.
///
/// With `Accept: application/x-ndjson` the answer arrives line by line, one JSON object for each port
/// as it is judged, `{"port":7466,"accessible":true,"error":null}`, and last
/// `{"success":true,"message":"…"}`. What fails after the first line ends the answer with one error
/// body as a line.
#[utoipa::path(
    post,
    path = "/check-ports",
    tag = "Checks",
    request_body = CheckRequest,
    responses(
        (status = 200, description = "Each port's verdict.", content(
            (CheckResponse = "application/json"),
            (String = "application/x-ndjson"),
        )),
        (status = 403, description = "`TARGET_NOT_ALLOWED`: the policy refuses the address or a port.", body = ErrorBody),
        (status = 408, description = "`REQUEST_TIMEOUT`: the body did not arrive in time.", body = ErrorBody),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`: the body is larger than the checker reads.", body = ErrorBody),
        (status = 415, description = "`UNSUPPORTED_MEDIA_TYPE`: the body is not declared as JSON, or is compressed.", body = ErrorBody),
        (status = 422, description = "`INVALID_IP`, `INVALID_PORT`, `TOO_MANY_PORTS`, `INVALID_CHALLENGE` or `INVALID_REQUEST`.", body = ErrorBody),
        (status = 429, description = "`RATE_LIMITED`: the caller or the target is over its limit.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds; missing if so many ports are never admitted at once"), ("RateLimit" = String, description = "What is left"), ("RateLimit-Policy" = String, description = "The limits"))),
        (status = 500, description = "`INTERNAL`: a defect in the checker.", body = ErrorBody),
        (status = 503, description = "`CHECK_FAILED`: the checker could not do its part. `OVERLOADED`: it has no capacity now. Neither says anything about the target.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds")))
    )
)]
pub(crate) async fn check_ports(
    State(state): State<AppState>,
    Caller(caller): Caller,
    Extension(arrival): Extension<Arrival>,
    WantsLines(lines): WantsLines,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let request = body.parse(|body| check_request::parse(body, state.config.max_ports))?;
    let CheckRequest { provider_ip, ports, challenge, verbose } = request;
    let share = state.memory.take(caller, ports.len() * PORT_BYTES);
    let share = share.ok_or_else(|| no_room(&state.memory, &state.config.bounds))?;
    let address = provider_ip.unwrap_or(caller);
    let question = Question { caller, address, ports, challenge, arrival };
    let (parts, judging) = match judging::begin(&state, question).await {
        Ok(begun) => begun,
        Err(refused) => return Ok(refused.into_response()),
    };
    let verbose = verbose.unwrap_or(false);
    let answer = if lines {
        progress::answer(judging, verbose).await
    } else {
        whole(judging, verbose).await
    };
    Ok((parts, Charge::extension(share), answer).into_response())
}

/// An answer that waits until every port is judged.
async fn whole(judging: Judging, verbose: bool) -> Result<Response, ApiError> {
    let findings = collect(judging).await?;
    let results = findings.iter().map(|finding| (finding.port, result(finding, verbose)));
    Ok(Json(CheckResponse::new(results.collect())).into_response())
}

/// Every finding, in the order asked.
pub(super) async fn collect(mut judging: Judging) -> Result<Vec<Finding>, Fault> {
    let mut findings = Vec::with_capacity(judging.ports);
    while let Some(finding) = judging.next().await {
        findings.push(finding?);
    }
    findings.sort_unstable_by_key(|finding| finding.index);
    Ok(findings)
}
