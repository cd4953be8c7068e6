//! From the bytes of a body to a request, or to words about its mistake: the part that all requests share.

use port_checker_api::ErrorCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::error::{ApiError, quoted, shortened, shown};

/// How much of a body that is no object is quoted, in characters.
const MAX_START_CHARS: usize = 16;

/// Parses a body. A good request is parsed once, straight into its type. Only a bad one is parsed again, into
/// its fields as they were written, for `complain` to find the bad one among them.
///
/// # Errors
/// The body is not a JSON object, or not one of a good request.
pub(super) fn parse<'a, T: DeserializeOwned, F: Deserialize<'a>>(
    body: &'a [u8],
    complain: impl FnOnce(F) -> Result<(), ApiError>,
) -> Result<T, ApiError> {
    let text = object(body)?;
    serde_json::from_str(text).map_err(|error| match serde_json::from_str::<F>(text) {
        Ok(fields) => complain(fields).err().unwrap_or_else(|| malformed(&error)),
        Err(error) => malformed(&error),
    })
}

/// The text of a body that is an object, as far as its first character tells. Serde would take an array for
/// the fields in order.
fn object(body: &[u8]) -> Result<&str, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        invalid(format!("the body is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    let start: String = text.trim_start().chars().take(MAX_START_CHARS).collect();
    match start.chars().next() {
        Some('{') => Ok(text),
        Some(_) => Err(invalid(format!(
            "the body is not a JSON object: it begins with {}",
            quoted(&start)
        ))),
        None => Err(invalid("the body is empty; expected a JSON object")),
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    let kind = if error.is_data() { "a request" } else { "JSON" };
    invalid(format!("the body is not {kind}: {}", shortened(error)))
}

/// One field of a body, as it was written; nothing if it is missing or null.
pub(super) type Field<'a> = Option<&'a RawValue>;

/// The value of a field.
///
/// # Errors
/// It is of another type. The message shows the field, and the `expected` values.
pub(super) fn value<T: DeserializeOwned>(
    name: &str,
    field: Field<'_>,
    expected: &str,
) -> Result<Option<T>, ApiError> {
    let Some(raw) = field else { return Ok(None) };
    serde_json::from_str(raw.get())
        .map(Some)
        .map_err(|_| invalid(format!("{name} is {}; expected {expected}", shown(raw.get()))))
}

/// The text of a field for a message.
pub(super) fn shown_field(field: Field<'_>) -> String {
    field.map_or_else(|| "missing or null".to_owned(), |raw| shown(raw.get()))
}

/// A request that is not as it should be.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}
