//! `POST /check-tls`: does a server prove to be who it should be?

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use port_checker_api::{ErrorBody, TlsCheckRequest, TlsCheckResponse};
use port_checker_probe::TlsExpectation;

use super::{
    body::JsonBytes,
    error_responses::{BodyErrors, CheckErrors},
    state::AppState,
    tls_request,
};
use crate::{admission::context::RequestContext, checks::tls::TlsCheck, error::ApiError};

/// Whether a server shows a certificate that is good for its name.
///
/// The certificate is judged by the trust roots of the checker's system: its chain, its time, its
/// name, and the address in it if one is expected. A name is resolved once; every address it has must
/// be one that this checker may dial, and the one that is dialled is one of those.
#[utoipa::path(
    post,
    path = "/check-tls",
    tag = "Checks",
    request_body(content = TlsCheckRequest, examples(
        ("A name" = (value = json!({"host": "example.com", "port": 443}))),
        ("An address" = (value = json!({"host": "9.9.9.9", "port": 853}))),
    )),
    responses(
        (status = 200, description = "The result of the handshake.", body = TlsCheckResponse, examples(
            ("Valid" = (value = json!({
                "valid": true, "peer": "example.com:443", "error": null,
                "not_after": "2027-01-15T23:59:59Z",
            }))),
            ("Not valid" = (value = json!({
                "valid": false, "peer": "example.com:443",
                "error": "The certificate is not for that name", "not_after": "2027-01-15T23:59:59Z",
            }))),
        )),
        (status = 422, description = "`INVALID_REQUEST`, `INVALID_PORT` or `INVALID_IP`.", body = ErrorBody),
        CheckErrors,
        BodyErrors,
    )
)]
pub(crate) async fn check_tls(
    State(state): State<AppState>,
    context: RequestContext,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let (request, name) = body.parse(tls_request::parse)?;
    let server = state.admission.vet_server(&context, &name, request.port).await?;
    let check = TlsCheck {
        checker: &state.checker,
        admission: &state.admission,
        context: &context,
        expected: TlsExpectation { name, ip: request.expected_ip },
    };
    let (quota, outcome) = check.outcome(server).await?;
    Ok((quota, outcome.into_tls_response(peer(&request)).map(Json)).into_response())
}

/// `host:port`, an IPv6 address in brackets (RFC 3986, section 3.2.2).
fn peer(request: &TlsCheckRequest) -> String {
    let TlsCheckRequest { host, port, .. } = request;
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
