//! The kind of answer that a client asks for.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header::ACCEPT, request::Parts},
};
use port_checker_api::NDJSON;

/// Whether a client wants its answer line by line. A handler takes this instead of the whole head, which
/// would be kept for as long as it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantsLines(pub(crate) bool);

impl<S: Sync> FromRequestParts<S> for WantsLines {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(names(&parts.headers, ACCEPT, NDJSON)))
    }
}

/// Whether a field such as `Accept` or `Accept-Encoding` names this value (RFC 9110, section 12.5).
/// Wildcards do not: they get the default answer. Neither does a weight of zero.
pub(crate) fn names(headers: &HeaderMap, field: HeaderName, value: &str) -> bool {
    let lines = headers.get_all(field).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(value));
        named && !parts.any(is_zero_weight)
    })
}

fn is_zero_weight(parameter: &str) -> bool {
    let weight =
        parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.and_then(|(_, weight)| weight.trim().parse::<f32>().ok()) == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_that_are_named() {
        let cases = [
            ("application/json", true, "alone"),
            ("text/html, application/json;q=0.9", true, "in a list, with a weight"),
            ("Application/JSON", true, "any case"),
            ("application/json;q=0", false, "refused"),
            ("application/json; q=0.000", false, "refused in other words"),
            ("application/json; Q = 0", false, "refused in odd words"),
            ("*/*", false, "anything"),
            ("application/jsonp", false, "another type"),
        ];
        for (accept, expected, why) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(names(&headers, ACCEPT, "application/json"), expected, "{why}");
        }
        assert!(!names(&HeaderMap::new(), ACCEPT, "application/json"), "no header");
    }
}
