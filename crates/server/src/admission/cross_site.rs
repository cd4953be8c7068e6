//! Requests that a page of another origin makes a visitor's browser send.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{
        HeaderMap, HeaderName,
        header::{HOST, ORIGIN},
        request::Parts,
    },
};
use port_checker_api::ErrorCode;

use crate::{
    config::{Config, CorsOrigins},
    error::{ApiError, quoted},
};

/// The header in which browsers say where a request comes from (Fetch Metadata Request Headers): over HTTPS, and on
/// loopback.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request that no page of another origin sent, or a page of an admitted origin. A route takes this if its
/// requests cost something and browsers send them without asking first.
///
/// CORS alone does not keep such a page from sending a `GET`: it keeps it from reading the answer. By then
/// the visitor's allowance is spent, and the time until the answer tells its content.
pub(crate) struct NotCrossSite;

impl<S: Sync> FromRequestParts<S> for NotCrossSite
where
    Arc<Config>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match &Arc::<Config>::from_ref(state).cors_origins {
            CorsOrigins::Any => Ok(Self),
            CorsOrigins::Only(admitted) => {
                let headers = &parts.headers;
                let origin = headers.get(ORIGIN);
                let is_admitted = origin.is_some_and(|origin| admitted.contains(origin));
                let authority = parts.uri.authority().map(|authority| authority.as_str());
                if is_admitted || !is_cross_site(headers, authority) {
                    return Ok(Self);
                }
                let from = match origin {
                    Some(origin) => quoted(&String::from_utf8_lossy(origin.as_bytes())),
                    None => "another site".to_owned(),
                };
                let message = format!(
                    "the request was sent by a page of {from}; the operator can admit its origin with \
                     PORT_CHECKER_CORS_ORIGINS"
                );
                Err(ApiError::new(ErrorCode::TargetNotAllowed, message))
            }
        }
    }
}

/// Whether a page of another origin sent a request with these headers, as far as browsers tell. Other
/// programs send neither header. `authority` is where the request went, if not `Host` says it.
fn is_cross_site(headers: &HeaderMap, authority: Option<&str>) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        // "none" is a person who typed the address; "same-site" is another origin.
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let host = authority.or_else(|| headers.get(HOST)?.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    !matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_browsers_say_a_request_comes_from() {
        type HeaderLines<'a> = &'a [(HeaderName, &'a str)];
        let cases: &[(HeaderLines<'_>, bool, &str)] = &[
            (&[], false, "curl, or a browser that says nothing"),
            (&[(SEC_FETCH_SITE, "cross-site")], true, "an image in another page"),
            (&[(SEC_FETCH_SITE, "same-site")], true, "a page of a sibling"),
            (&[(SEC_FETCH_SITE, "same-origin")], false, "the checker's own page"),
            (&[(SEC_FETCH_SITE, "none")], false, "an address that was typed"),
            (&[(SEC_FETCH_SITE, "")], true, "odd"),
            (&[(ORIGIN, "https://a.example")], true, "an old browser, another page"),
            (&[(ORIGIN, "null")], true, "a page without an origin"),
            (&[(ORIGIN, "http://checker:9000"), (HOST, "checker:9000")], false, "its own page"),
            (&[(ORIGIN, "http://checker"), (HOST, "checker:9000")], true, "of another port"),
            (
                &[(ORIGIN, "http://other"), (SEC_FETCH_SITE, "same-origin"), (HOST, "checker")],
                false,
                "its own page, behind a proxy of another name",
            ),
        ];
        for (lines, expected, why) in cases {
            let headers =
                lines.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
            assert_eq!(is_cross_site(&headers, None), *expected, "{why}");
        }
        let http2 = HeaderMap::from_iter([(ORIGIN, "https://checker".parse().unwrap())]);
        assert!(!is_cross_site(&http2, Some("checker")), "HTTP/2 has no Host");
    }
}
