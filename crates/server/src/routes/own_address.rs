//! `GET /ip` and `GET /port/{port}`: about the caller's own address.

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, Uri, header::ACCEPT},
    response::{IntoResponse, Response},
};
use port_checker_api::{ErrorBody, ErrorCode, JsonPort, OwnAddress, OwnPort};

use super::accept_header;
use crate::{
    admission::cross_site::NotCrossSite,
    checks::ports::{self as judging, Question, result},
    error::{ApiError, quoted},
    net::caller::Caller,
    observe::access_log::Arrival,
    routes::state::AppState,
};

/// The caller's address as the checker sees it: plain text with a line feed, or JSON when asked for.
#[utoipa::path(
    get,
    path = "/ip",
    tag = "Your own address",
    responses((status = 200, description = "The caller's address.", content(
        (String = "text/plain", example = "192.0.2.7\n"),
        (OwnAddress = "application/json"),
    )))
)]
pub(crate) async fn ip(Caller(ip): Caller, headers: HeaderMap) -> Response {
    if accept_header::names(&headers, ACCEPT, "application/json") {
        Json(OwnAddress { ip }).into_response()
    } else {
        format!("{ip}\n").into_response()
    }
}

/// Whether one port of the caller can be reached from here.
#[utoipa::path(
    get,
    path = "/port/{port}",
    tag = "Your own address",
    params(("port" = u16, Path, description = "The TCP port", minimum = 1, maximum = 65_535)),
    responses(
        (status = 200, description = "The port's verdict.", body = OwnPort),
        (status = 403, description = "`TARGET_NOT_ALLOWED`: the policy refuses the address or the port, or a page of an origin that is not admitted asks.", body = ErrorBody),
        (status = 422, description = "`INVALID_PORT`.", body = ErrorBody),
        (status = 429, description = "`RATE_LIMITED`.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds"))),
        (status = 503, description = "`CHECK_FAILED` or `OVERLOADED`.", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds")))
    )
)]
pub(crate) async fn port(
    State(state): State<AppState>,
    Caller(ip): Caller,
    Extension(arrival): Extension<Arrival>,
    _: NotCrossSite,
    uri: Uri,
) -> Result<Response, ApiError> {
    let text = uri.path().strip_prefix("/port/").unwrap_or_default();
    let JsonPort(port) = serde_json::from_str(text).map_err(|_| {
        let message = format!("the port is {}; expected an integer from 1 to 65535", quoted(text));
        ApiError::new(ErrorCode::InvalidPort, message)
    })?;
    // The path may be as long as a head.
    drop(uri);
    let question =
        Question { caller: ip, address: ip, ports: vec![port], challenge: None, arrival };
    let (parts, mut judging) = match judging::begin(&state, question).await {
        Ok(begun) => begun,
        Err(refused) => return Ok(refused.into_response()),
    };
    let finding = judging.next().await.expect("one port has one finding");
    let answer = finding
        .map(|finding| Json(OwnPort { ip, port, result: result(&finding, false) }))
        .map_err(ApiError::from);
    Ok((parts, answer).into_response())
}
