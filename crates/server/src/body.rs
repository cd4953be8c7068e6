//! Reading a request's body: declared as JSON, bounded in size and time.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{
        HeaderMap,
        header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
    },
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use port_checker_api::ErrorCode;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    config::Bounds,
    error::{ApiError, quoted},
    state::AppState,
};

/// How many times the size limit is read and thrown away, so that a client that writes first and
/// reads later gets the 413 instead of a reset connection.
const DISCARDED_LIMITS: u64 = 16;

/// A body that says it is JSON.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl FromRequest<AppState> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let bounds = &state.config.bounds;
        let (parts, body) = request.into_parts();
        let json = require_json(&parts.headers);
        let too_large = declared_length(&parts.headers) > bounds.body_bytes;
        // Whoever waits for "100 Continue" has not sent anything yet.
        if (json.is_err() || too_large) && parts.headers.contains_key(EXPECT) {
            return Err(json.err().unwrap_or_else(|| self::too_large(bounds)));
        }
        let allowed = bounds.body_time.min(state.config.deadline);
        let read = timeout(allowed, read(body, bounds, &state.bodies)).await;
        json?;
        read.unwrap_or_else(|_| {
            let message = format!("the body did not arrive within {allowed:?}");
            Err(ApiError::new(ErrorCode::RequestTimeout, message))
        })
    }
}

async fn read(mut body: Body, bounds: &Bounds, room: &Semaphore) -> Result<JsonBytes, ApiError> {
    let mut bytes = BytesMut::new();
    let mut taken = Vec::new();
    let mut seen: u64 = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::new(ErrorCode::InvalidRequest, format!("the body broke off: {error}"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len() as u64;
        if seen > bounds.body_bytes.saturating_mul(DISCARDED_LIMITS) {
            break;
        }
        if seen <= bounds.body_bytes {
            let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
            taken.push(room.try_acquire_many(size).map_err(|_| no_room(bounds))?);
            bytes.extend_from_slice(&data);
        }
    }
    if seen > bounds.body_bytes { Err(too_large(bounds)) } else { Ok(JsonBytes(bytes.freeze())) }
}

fn no_room(bounds: &Bounds) -> ApiError {
    let message =
        format!("the bodies of all requests together exceed {} bytes", bounds.bodies_bytes);
    ApiError::new(ErrorCode::Overloaded, message).with_retry_after(bounds.body_time)
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let declared = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let essence = declared.as_deref().unwrap_or_default().split(';').next().unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = match declared {
        Some(declared) => format!("Content-Type is {}, not application/json", quoted(&declared)),
        None => "Content-Type is missing: send application/json".to_owned(),
    };
    Err(ApiError::new(ErrorCode::UnsupportedMediaType, message))
}

fn declared_length(headers: &HeaderMap) -> u64 {
    let value = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|length| length.parse().ok()).unwrap_or(0)
}

fn too_large(bounds: &Bounds) -> ApiError {
    let message = format!("the body is larger than {} bytes", bounds.body_bytes);
    ApiError::new(ErrorCode::PayloadTooLarge, message)
}
