//! `GET /ip` and `GET /port/{port}`: about the caller's own address.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, Uri, header::ACCEPT},
    response::{IntoResponse, Response},
};
use port_checker_api::{ErrorBody, ErrorCode, JsonPort, OwnAddress, OwnPort};
use port_checker_probe::Probe;

use super::{accept_header, error_responses::CheckErrors, state::AppState, udp_words};
use crate::{
    admission::{context::RequestContext, cross_site::NotCrossSite},
    checks::ports::PortsCheck,
    error::{ApiError, quoted},
    net::caller::Caller,
};

/// The header field of `GET /ip` that says how long this checker takes to judge a port that does not answer.
pub(crate) const SILENT_PORT_SECONDS: HeaderName = HeaderName::from_static("silent-port-seconds");

/// The caller's address as the checker sees it: plain text with a line feed, or JSON when asked for.
#[utoipa::path(
    get,
    path = "/ip",
    tag = "Your own address",
    responses((status = 200, description = "The caller's address.", content(
        (String = "text/plain", example = "192.0.2.7\n"),
        (OwnAddress = "application/json", example = json!({"ip": "192.0.2.7"})),
    ), headers(
        ("Silent-Port-Seconds" = f64, description = "The seconds that this checker takes to judge a port that does \
            not answer, all attempts together. A checker that is busy takes longer.")
    )))
)]
pub(crate) async fn ip(
    State(state): State<AppState>,
    Caller(ip): Caller,
    headers: HeaderMap,
) -> Response {
    let silent = state.config.probe.longest().as_secs_f64().to_string();
    let answer = if accept_header::names(&headers, ACCEPT, "application/json") {
        Json(OwnAddress { ip }).into_response()
    } else {
        format!("{ip}\n").into_response()
    };
    ([(SILENT_PORT_SECONDS, silent)], answer).into_response()
}

/// Whether one TCP port of the caller can be reached from here. Over UDP something must answer during the check:
/// `port-checker verify 51820/udp` does, and `POST /check-ports` asks for such a check. Requests from pages of origins that the operator
/// does not admit are refused: `TARGET_NOT_ALLOWED`.
#[utoipa::path(
    get,
    path = "/port/{port}",
    tag = "Your own address",
    params(("port" = u16, Path, description = "The TCP port", minimum = 1, maximum = 65_535, example = 7466)),
    responses(
        (status = 200, description = "The port's verdict.", body = OwnPort, example = json!({
            "ip": "192.0.2.7", "port": 7466, "accessible": true, "error": null,
        })),
        (status = 422, description = "`INVALID_PORT`.", body = ErrorBody),
        CheckErrors,
    )
)]
pub(crate) async fn port(
    State(state): State<AppState>,
    context: RequestContext,
    _: NotCrossSite,
    uri: Uri,
) -> Result<Response, ApiError> {
    let text = uri.path().strip_prefix("/port/").unwrap_or_default();
    let JsonPort(port) = serde_json::from_str(text).map_err(|_| {
        let message = udp_words::advice(text).unwrap_or_else(|| {
            format!("the port is {}; expected an integer from 1 to 65535", quoted(text))
        });
        ApiError::new(ErrorCode::InvalidPort, message)
    })?;
    // The path may be as long as a head.
    drop(uri);
    let probe = Probe::Tcp { challenge: None };
    let admission = &state.admission;
    let admitted = admission.admit_address(&context, context.caller, vec![port], &probe).await?;
    let quota = admitted.quota.clone();
    let outcome = PortsCheck::begin(&state.checker, admitted, probe).outcome().await;
    Ok((quota, outcome.into_own_port().map(Json)).into_response())
}
