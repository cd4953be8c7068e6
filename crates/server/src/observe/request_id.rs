//! The id that ties an answer to the log lines of its request.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries a request's id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id of a client is replaced, in bytes.
const MAX_ID_LENGTH: usize = 64;

/// The client's id if it is harmless, so that a proxy's log and this one agree; else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=MAX_ID_LENGTH).contains(&bytes.len()) && bytes.iter().all(plain)
    };
    match headers.get(REQUEST_ID).filter(harmless) {
        // A clone would keep the whole head.
        Some(id) => HeaderValue::from_bytes(id.as_bytes()).expect("it was a header value"),
        None => HeaderValue::try_from(format!("{:016x}", fastrand::u64(..)))
            .expect("hexadecimal digits are a valid header value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_kept() {
        let longest = "x".repeat(MAX_ID_LENGTH);
        let too_long = "x".repeat(MAX_ID_LENGTH + 1);
        let cases = [
            ("abc-DEF_1.2", true, "plain"),
            (&longest, true, "as long as may be"),
            (&too_long, false, "longer"),
            ("", false, "empty"),
            ("a b", false, "a space"),
            ("a\"b", false, "a quotation mark"),
        ];
        for (id, kept, why) in cases {
            let headers = HeaderMap::from_iter([(REQUEST_ID, id.parse().unwrap())]);
            assert_eq!(request_id(&headers) == id, kept, "{why}");
        }
        assert_eq!(request_id(&HeaderMap::new()).len(), 16, "a new one");
    }
}
