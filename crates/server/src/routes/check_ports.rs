//! `POST /check-ports`: can the Internet reach these ports?

use std::convert::Infallible;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use port_checker_api::{CheckRequest, CheckResponse, ErrorBody, NDJSON};

use super::{
    accept_header::WantsLines,
    body::{JsonBytes, out_of_memory},
    check_body::CheckBody,
    error_responses::{BodyErrors, CheckErrors},
    ports_request,
    state::AppState,
};
use crate::{
    admission::context::RequestContext,
    checks::{attester::StatementOrder, ports::PortsCheck, progress},
    error::ApiError,
    net::answer::MemoryCharge,
};

/// The memory that one port takes until its answer is sent, in bytes: a finding, a result, and the text of
/// both with all their details.
pub(super) const PORT_BYTES: usize = 512;

/// An answer line by line.
const LINES_EXAMPLE: &str = concat!(
    r#"{"port":443,"accessible":false,"error":"Connection refused"}"#,
    "\n",
    r#"{"port":7466,"accessible":true,"error":null}"#,
    "\n",
    r#"{"success":true,"message":"Successfully verified 1 out of 2 ports"}"#,
    "\n"
);

/// Whether ports of an address can be reached from here.
///
/// Every port is tried at once, each several times. A verdict is only ever about the target: when
/// the checker could not judge even one of the ports, the whole request is answered with 503.
///
/// With `"transport": "udp"` only the caller's own address is checked. The checker sends one datagram for each
/// attempt, 160 bytes: `PRTCHK1?`, a token of 16 random bytes, zeros. A port is accessible if its listener answers
/// the sender with `PRTCHK1!`, the same token, and the challenge. A port that does not answer is `timed_out`.
///
/// With `attest` the answer gains `attestation`: a signed statement (a compact JWS, ES256, whose claims are the address,
/// the transport, the challenge and the ports) about the ports that are open and whose challenge matched, for others to
/// verify with the keys of `GET /.well-known/jwks.json`; null if there is no such port. A `challenge` is required. A
/// checker without a key refuses: `ATTESTATION_UNAVAILABLE`.
///
/// With `Accept: application/x-ndjson` the answer arrives line by line, one JSON object for each port
/// as it is judged, `{"port":7466,"accessible":true,"error":null}`, and last
/// `{"success":true,"message":"…"}`, with `attestation` if that was asked for. A failure after the first line ends the answer with one error
/// body as a line.
#[utoipa::path(
    post,
    path = "/check-ports",
    tag = "Checks",
    request_body(content = CheckBody, examples(
        ("Your own ports" = (value = json!({"ports": [22, 443, 7466]}))),
        ("With the details" = (value = json!({"ports": [22, 443, 7466], "verbose": true}))),
        ("Your own UDP ports" = (value = json!({
            "ports": [51820], "transport": "udp", "challenge": "correct horse battery staple",
        }))),
        ("A signed statement" = (value = json!({
            "ports": [443, 7466], "challenge": "correct horse battery staple",
            "attest": {"audience": "requestor.example.org", "nonce": "5f0c1d"},
        }))),
        ("Another address" = (value = json!({"provider_ip": "8.8.8.8", "ports": [53, 443]}))),
    )),
    responses(
        (status = 200, description = "Each port's verdict.", content(
            (CheckResponse = "application/json", examples(
                ("Your own ports" = (value = json!({
                    "success": true,
                    "results": {
                        "22": {"accessible": false, "error": "Connection timed out"},
                        "443": {"accessible": false, "error": "Connection refused"},
                        "7466": {"accessible": true, "error": null},
                    },
                    "message": "Successfully verified 1 out of 3 ports",
                }))),
                ("With the details" = (value = json!({
                    "success": true,
                    "results": {
                        "22": {
                            "accessible": false, "error": "Connection timed out", "reason": "timed_out",
                            "attempts": 3, "connect_ms": 5000.412, "challenge": null, "icmp": null,
                        },
                        "443": {
                            "accessible": false, "error": "Connection refused", "reason": "refused",
                            "attempts": 1, "connect_ms": 48.112, "challenge": null, "icmp": null,
                        },
                        "7466": {
                            "accessible": true, "error": null, "reason": null,
                            "attempts": 1, "connect_ms": 47.903, "challenge": null, "icmp": null,
                        },
                    },
                    "message": "Successfully verified 1 out of 3 ports",
                }))),
                ("A signed statement" = (value = json!({
                    "success": true,
                    "results": {
                        "443": {"accessible": false, "error": "Connection refused"},
                        "7466": {"accessible": true, "error": null},
                    },
                    "message": "Successfully verified 1 out of 2 ports",
                    "attestation": "eyJhbGciOiJFUzI1NiJ9.eyJvcGVuIjoiNzQ2NiJ9.c2lnbmF0dXJl",
                }))),
            )),
            (String = "application/x-ndjson", example = json!(LINES_EXAMPLE)),
        )),
        (status = 422, description = "`INVALID_IP`, `INVALID_PORT`, `TOO_MANY_PORTS`, `INVALID_CHALLENGE`, `INVALID_REQUEST` or `ATTESTATION_UNAVAILABLE`.", body = ErrorBody),
        CheckErrors,
        BodyErrors,
    )
)]
pub(crate) async fn check_ports(
    State(state): State<AppState>,
    context: RequestContext,
    WantsLines(lines): WantsLines,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let request = body.parse(|body| ports_request::parse(body, state.config.max_ports))?;
    let CheckRequest { provider_ip, ports, transport, challenge, verbose, attest } = request;
    let order = attest.map(|attest| {
        let challenge = ports_request::required_challenge(challenge.as_ref())?;
        state.attester.accept(&attest, challenge, transport.unwrap_or_default())
    });
    let order = order.transpose()?;
    let probe = ports_request::probe(transport, challenge)?;
    let share = state.memory.take(context.caller, ports.len() * PORT_BYTES);
    let share = share.ok_or_else(|| out_of_memory(&state.memory, &state.config.bounds))?;
    let address = provider_ip.unwrap_or(context.caller);
    let admitted = state.admission.admit_address(&context, address, ports, &probe).await?;
    let quota = admitted.quota.clone();
    let check = PortsCheck::begin(&state.checker, admitted, probe);
    let verbose = verbose.unwrap_or(false);
    let answer = if lines {
        line_by_line(check, verbose, order).await
    } else {
        check
            .outcome()
            .await
            .into_response(verbose, order)
            .map(|answer| Json(answer).into_response())
    };
    Ok((quota, MemoryCharge::extension(share), answer).into_response())
}

async fn line_by_line(
    check: PortsCheck,
    verbose: bool,
    order: Option<StatementOrder>,
) -> Result<Response, ApiError> {
    let lines = progress::lines(check, verbose, order).await?;
    let body = Body::from_stream(lines.map(Ok::<_, Infallible>));
    Ok(([(CONTENT_TYPE, NDJSON)], body).into_response())
}
