//! Reading a request's body: declared as JSON, bounded in size and time, and kept no longer than until
//! it is parsed.

use std::net::IpAddr;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
    },
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use port_checker_api::ErrorCode;
use tokio::time::timeout;

use super::state::AppState;
use crate::{
    config::Bounds,
    error::{ApiError, quoted},
    net::{
        caller::Caller,
        pool::{Pool, Share},
    },
};

/// How many times the size limit is read and thrown away, so that a client that writes first and
/// reads later gets the 413 instead of a reset connection.
const DISCARDED_LIMITS: usize = 16;

/// The first allocation for a body, in bytes; most bodies fit.
const FIRST_ALLOCATION: usize = 1024;

/// The byte-order mark that some programs write before a text; a parser may ignore it (RFC 8259, section 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The beginning of a gzip file (RFC 1952) and of a Zstandard frame (RFC 8878). No JSON begins so.
const COMPRESSED: [&[u8]; 2] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];

/// A body that says it is JSON.
pub(crate) struct JsonBytes {
    bytes: Vec<u8>,
    /// As many bytes of the process's pool as the vector has capacity.
    _share: Option<Share>,
}

impl JsonBytes {
    /// Parses the body, which is not kept.
    pub(crate) fn parse<T>(self, parse: impl FnOnce(&[u8]) -> T) -> T {
        parse(self.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.bytes))
    }
}

/// A body that cannot be used.
pub(crate) enum Unusable {
    /// For the reason that the error says.
    Error(ApiError),
    /// It is compressed, or encoded in another way.
    Encoded(ApiError),
}

impl From<ApiError> for Unusable {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl IntoResponse for Unusable {
    fn into_response(self) -> Response {
        // The coding that would be accepted instead (RFC 9110, section 15.5.16).
        const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
        match self {
            Self::Error(error) => error.into_response(),
            Self::Encoded(error) => ([(ACCEPT_ENCODING, IDENTITY)], error).into_response(),
        }
    }
}

impl FromRequest<AppState> for JsonBytes {
    type Rejection = Unusable;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Unusable> {
        let bounds = &state.config.bounds;
        let (parts, body) = request.into_parts();
        let caller: Caller = *parts.extensions.get().expect("the access log attaches the caller");
        let declared = require_json(&parts.headers);
        let too_large = declared_length(&parts.headers) > bounds.body_bytes;
        let waits_for_continue = parts.headers.contains_key(EXPECT);
        // The head is not kept while the body arrives.
        drop(parts);
        // A client that waits for "100 Continue" has not sent anything yet.
        if (declared.is_err() || too_large) && waits_for_continue {
            return Err(declared.err().unwrap_or_else(|| self::too_large(bounds).into()));
        }
        let allowed = bounds.body_time.min(state.config.deadline);
        let reader = Reader { bounds, memory: &state.memory, caller: caller.0 };
        let read = timeout(allowed, reader.read(body)).await;
        declared?;
        let read = read.unwrap_or_else(|_| {
            let message = format!("the body did not arrive within {allowed:?}");
            Err(ApiError::new(ErrorCode::RequestTimeout, message))
        })?;
        if COMPRESSED.iter().any(|start| read.bytes.starts_with(start)) {
            return Err(encoded("the body is compressed; send it without compression"));
        }
        Ok(read)
    }
}

/// Reads a body of one caller.
struct Reader<'a> {
    bounds: &'a Bounds,
    memory: &'a Pool,
    caller: IpAddr,
}

impl Reader<'_> {
    async fn read(&self, body: Body) -> Result<JsonBytes, ApiError> {
        let limit = usize::try_from(self.bounds.body_bytes).unwrap_or(usize::MAX);
        // A body that is too large is read on without being kept, up to another limit.
        let mut body = Limited::new(body, limit.saturating_mul(DISCARDED_LIMITS));
        let (mut kept, mut length) = (JsonBytes { bytes: Vec::new(), _share: None }, 0);
        while let Some(frame) = body.frame().await {
            let data = match frame {
                Ok(frame) => frame.into_data().unwrap_or_default(),
                Err(error) if error.is::<LengthLimitError>() => return Err(too_large(self.bounds)),
                Err(error) => {
                    let message = format!("the body broke off: {error}");
                    return Err(ApiError::new(ErrorCode::InvalidRequest, message));
                }
            };
            length += data.len();
            if length > limit {
                kept = JsonBytes { bytes: Vec::new(), _share: None };
                continue;
            }
            self.reserve(&mut kept, data.len())?;
            kept.bytes.extend_from_slice(&data);
        }
        if length > limit { Err(too_large(self.bounds)) } else { Ok(kept) }
    }

    /// Reserves `more` bytes. The allocation is charged and not its contents: a body of
    /// many small pieces costs no more than one that came at once.
    fn reserve(&self, kept: &mut JsonBytes, more: usize) -> Result<(), ApiError> {
        let (length, capacity) = (kept.bytes.len(), kept.bytes.capacity());
        if capacity - length >= more {
            return Ok(());
        }
        let limit = usize::try_from(self.bounds.body_bytes).unwrap_or(usize::MAX);
        let wanted = (2 * capacity).max(FIRST_ALLOCATION).min(limit).max(length + more);
        let share = self.memory.take(self.caller, wanted - capacity);
        let share = share.ok_or_else(|| out_of_memory(self.memory, self.bounds))?;
        match &mut kept._share {
            Some(charged) => charged.merge(share),
            none => *none = Some(share),
        }
        kept.bytes.reserve_exact(wanted - length);
        Ok(())
    }
}

/// There is no memory for a request until others have their answers.
pub(crate) fn out_of_memory(memory: &Pool, bounds: &Bounds) -> ApiError {
    let message = format!(
        "the requests under way, or those of one caller, take the {} bytes that there are for them",
        memory.size()
    );
    ApiError::new(ErrorCode::Overloaded, message).with_retry_after(bounds.body_time)
}

fn require_json(headers: &HeaderMap) -> Result<(), Unusable> {
    let text = |name| {
        headers.get(name).map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()))
    };
    let declared = text(CONTENT_TYPE);
    if !declared.as_deref().is_some_and(is_json) {
        let message = match declared {
            Some(declared) => {
                format!("Content-Type is {}; send application/json", quoted(&declared))
            }
            None => "Content-Type is missing: send application/json".to_owned(),
        };
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message).into());
    }
    match text(CONTENT_ENCODING) {
        Some(coding) if !coding.trim().eq_ignore_ascii_case("identity") => Err(encoded(&format!(
            "Content-Encoding is {}; send the body without compression",
            quoted(&coding)
        ))),
        _ => Ok(()),
    }
}

/// Whether a media type is JSON: by its name, or by its suffix (RFC 6839, section 3.1).
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    let suffixed = subtype.strip_suffix("+json").is_some_and(|name| !name.is_empty());
    essence == "application/json" || suffixed && !kind.is_empty() && !subtype.contains([' ', '/'])
}

fn encoded(message: &str) -> Unusable {
    Unusable::Encoded(ApiError::new(ErrorCode::UnsupportedMediaType, message))
}

fn declared_length(headers: &HeaderMap) -> u64 {
    let value = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|length| length.parse().ok()).unwrap_or(0)
}

fn too_large(bounds: &Bounds) -> ApiError {
    let message = format!("the body is larger than {} bytes", bounds.body_bytes);
    ApiError::new(ErrorCode::PayloadTooLarge, message)
}
