//! What kind of answer a client asks for.

use axum::http::{HeaderMap, header::ACCEPT};

/// Whether `Accept` names this media type (RFC 9110, section 12.5.1). Wildcards do not: what is
/// answered by default is for them. Neither does a type with a weight of zero.
pub(crate) fn names(headers: &HeaderMap, media_type: &str) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type));
        named && !parts.any(is_zero_weight)
    })
}

fn is_zero_weight(parameter: &str) -> bool {
    let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
    weight.and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0)
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
            ("*/*", false, "anything"),
            ("application/jsonp", false, "another type"),
        ];
        for (accept, expected, why) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(names(&headers, "application/json"), expected, "{why}");
        }
        assert!(!names(&HeaderMap::new(), "application/json"), "no header");
    }
}
