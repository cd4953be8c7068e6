//! `POST /check-ports`: can the Internet reach these ports?

use std::net::IpAddr;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use port_checker_api::{
    CheckRequest, CheckResponse, ErrorBody, ErrorCode, PortDetails, PortResult,
};
use port_checker_probe::{Admission, Check, Fault, Finding, Overloaded, Verdict};
use tracing::debug;

use super::check_request;
use crate::{
    Config,
    access_log::{Arrival, Tally},
    body::JsonBytes,
    caller::Caller,
    error::ApiError,
    metrics::Metrics,
    state::AppState,
};

/// Whether ports of an address can be reached from here.
///
/// Every port is tried at once, each several times. A verdict is only ever about the target: when
/// the checker could not judge even one of the ports, the whole request is answered with 503.
#[utoipa::path(
    post,
    path = "/check-ports",
    tag = "Checks",
    request_body = CheckRequest,
    responses(
        (status = 200, description = "Each port's verdict.", body = CheckResponse),
        (status = 403, description = "`TARGET_NOT_ALLOWED`: the policy refuses the address or a port.", body = ErrorBody),
        (status = 408, description = "`REQUEST_TIMEOUT`: the body did not arrive in time.", body = ErrorBody),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`: the body is larger than the checker reads.", body = ErrorBody),
        (status = 415, description = "`UNSUPPORTED_MEDIA_TYPE`: the body is not declared as `application/json`.", body = ErrorBody),
        (status = 422, description = "`INVALID_IP`, `INVALID_PORT`, `TOO_MANY_PORTS`, `INVALID_CHALLENGE` or `INVALID_REQUEST`.", body = ErrorBody),
        (status = 429, description = "`RATE_LIMITED`: the caller or the target is over its limit.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds"), ("RateLimit" = String, description = "What is left"), ("RateLimit-Policy" = String, description = "The limits"))),
        (status = 500, description = "`INTERNAL`: a defect in the checker.", body = ErrorBody),
        (status = 503, description = "`CHECK_FAILED`: the checker could not do its part. `OVERLOADED`: it has no capacity now. Neither says anything about the target.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds")))
    )
)]
pub(crate) async fn check_ports(
    State(state): State<AppState>,
    Caller(caller): Caller,
    Extension(arrival): Extension<Arrival>,
    JsonBytes(body): JsonBytes,
) -> Result<Response, ApiError> {
    let request = check_request::parse(&body, state.config.max_ports)?;
    let address = request.provider_ip.unwrap_or(caller).to_canonical();
    let mut tally = Tally::new(address, request.ports.len());
    let answer = judge(&state, caller, arrival, request, &mut tally).await;
    Ok((Extension(tally), answer).into_response())
}

async fn judge(
    state: &AppState,
    caller: IpAddr,
    arrival: Arrival,
    request: CheckRequest,
    tally: &mut Tally,
) -> Result<Response, ApiError> {
    let target = state.config.policy.vet(caller, tally.target, request.ports)?;
    tally.ports = target.ports().len();
    let admission = admit(state, tally.ports, arrival).await?;
    let standing = state.limiter.charge(caller, tally.target, tally.ports).await?;
    let time_left = state.config.deadline.saturating_sub(arrival.0.elapsed());
    let mut check = state.prober.check(admission, target, request.challenge, time_left);
    let answer = match collect(&mut check, tally, &state.metrics).await {
        Ok(findings) => Json(answer(&findings, request.verbose.unwrap_or(false))).into_response(),
        Err(fault) => {
            state.metrics.failed(&fault);
            ApiError::from(fault).into_response()
        }
    };
    Ok((standing, answer).into_response())
}

/// Waits for a socket to begin with, as long as the check could still end in time after that.
async fn admit(state: &AppState, ports: usize, arrival: Arrival) -> Result<Admission, ApiError> {
    let Config { probe, deadline, .. } = &*state.config;
    let patience = deadline.saturating_sub(probe.longest()).saturating_sub(arrival.0.elapsed());
    state.prober.budget().admit(ports, patience).await.map_err(|overloaded| {
        let Overloaded { limit, waiting, .. } = overloaded;
        // A socket is free again after one time-out at the latest, and goes to who waits longest.
        let turns = u32::try_from(waiting / limit + 1).unwrap_or(u32::MAX);
        let error = ApiError::new(ErrorCode::Overloaded, overloaded.to_string());
        error.with_retry_after(probe.timeout.saturating_mul(turns))
    })
}

/// Every finding, in the order asked.
async fn collect(
    check: &mut Check,
    tally: &mut Tally,
    metrics: &Metrics,
) -> Result<Vec<Finding>, Fault> {
    let family = if tally.target.is_ipv4() { "ipv4" } else { "ipv6" };
    let mut findings = Vec::with_capacity(tally.ports);
    while let Some(finding) = check.next().await {
        let finding = finding?;
        tally.count(finding.verdict);
        metrics.judged(&finding, family);
        log(&finding, tally);
        findings.push(finding);
    }
    findings.sort_unstable_by_key(|finding| finding.index);
    Ok(findings)
}

fn log(finding: &Finding, tally: &Tally) {
    let verdict = match finding.verdict {
        Verdict::Open => "open",
        Verdict::NotOpen(reason) => reason.name(),
    };
    debug!(
        target = %tally.target,
        port = finding.port,
        verdict,
        attempts = finding.attempts,
        connect_ms = milliseconds(finding),
        "judged"
    );
}

fn answer(findings: &[Finding], verbose: bool) -> CheckResponse {
    let results = findings.iter().map(|finding| (finding.port, result(finding, verbose)));
    CheckResponse::new(results.collect())
}

fn result(finding: &Finding, verbose: bool) -> PortResult {
    let (plain, reason) = match finding.verdict {
        Verdict::Open => (PortResult::accessible(), None),
        Verdict::NotOpen(reason) => (PortResult::not_accessible(reason), Some(reason)),
    };
    let details = verbose.then(|| PortDetails {
        reason,
        attempts: finding.attempts,
        connect_ms: milliseconds(finding),
        challenge: finding.challenge,
    });
    PortResult { details, ..plain }
}

/// To the microsecond: more digits would be noise.
fn milliseconds(finding: &Finding) -> f64 {
    (finding.elapsed.as_secs_f64() * 1e6).round() / 1e3
}
