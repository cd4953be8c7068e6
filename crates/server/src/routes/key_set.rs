//! `GET /.well-known/jwks.json`: the keys by which signed statements are verified.

use axum::{
    extract::State,
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use port_checker_api::{ErrorBody, ErrorCode};

use super::state::AppState;
use crate::{config::key_ring::MAX_KEY_SET_AGE, error::ApiError};

/// The media type of a JWK Set (RFC 7517, section 8.5.2).
const JWK_SET: &str = "application/jwk-set+json";

/// The public keys by which signed statements of this checker are verified, as a JWK Set (RFC 7517): the one that
/// signs, the next one, and old ones until their last statement has expired. A verifier may keep a copy for five
/// minutes: each key is published for longer than that before it signs. 404 if this checker has no key.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "Signed statements",
    responses(
        (status = 200, description = "The keys.", content_type = "application/jwk-set+json", body = serde_json::Value,
            headers(("Cache-Control" = String, description = "For how long a copy may be kept")),
            example = json!({"keys": [{
                "kty": "EC", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                "use": "sig", "alg": "ES256", "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
            }]})),
        (status = 404, description = "This checker has no key.", body = ErrorBody),
    )
)]
pub(crate) async fn key_set(State(state): State<AppState>) -> Result<Response, ApiError> {
    let Some(keys) = &state.config.signing_keys else {
        let message = "this checker signs nothing: it has no key (PORT_CHECKER_SIGNING_KEY)";
        return Err(ApiError::new(ErrorCode::NotFound, message));
    };
    let keep = format!("public, max-age={}", MAX_KEY_SET_AGE.as_secs());
    let keep = HeaderValue::try_from(keep).expect("words and digits");
    let headers: [(HeaderName, HeaderValue); 2] =
        [(CONTENT_TYPE, HeaderValue::from_static(JWK_SET)), (CACHE_CONTROL, keep)];
    Ok((headers, keys.published().to_json()).into_response())
}
