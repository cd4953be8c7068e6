//! `GET /`: the page for people, and what it is made of.

use std::sync::Arc;

use axum::{
    Router,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use flate2::{Compression, read::GzEncoder};
use sha2::{Digest, Sha256};

use super::{accept_header, state::AppState};

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// What has its hash in its name never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What has not is asked for again, and answered in a few bytes if it is the same.
const ASK_AGAIN: &str = "no-cache";

/// How much of a hash tells one version from another, in hexadecimal digits.
const HASH_DIGITS: usize = 16;

/// One file of the page.
struct Asset {
    content_type: &'static str,
    cache: &'static str,
    hash: String,
    plain: Bytes,
    gzip: Bytes,
}

/// The routes of the page. Its parts are named after their contents.
pub(crate) fn router() -> Router<AppState> {
    let script =
        Asset::new("text/javascript; charset=utf-8", FOR_EVER, include_str!("../page/script.js"));
    let style = Asset::new("text/css; charset=utf-8", FOR_EVER, include_str!("../page/style.css"));
    let icon = Asset::new("image/svg+xml", FOR_EVER, include_str!("../page/icon.svg"));
    let parts = [
        ("{script}", format!("/script-{}.js", script.hash), script),
        ("{style}", format!("/style-{}.css", style.hash), style),
        ("{icon}", format!("/icon-{}.svg", icon.hash), icon),
    ];
    let mut page = include_str!("../page/index.html").to_owned();
    let mut router = Router::new();
    for (placeholder, path, asset) in parts {
        page = page.replace(placeholder, &path);
        router = router.route(&path, asset.route());
    }
    router.route("/", Asset::new("text/html; charset=utf-8", ASK_AGAIN, &page).route())
}

impl Asset {
    fn new(content_type: &'static str, cache: &'static str, text: &str) -> Self {
        let mut gzip = Vec::new();
        std::io::copy(&mut GzEncoder::new(text.as_bytes(), Compression::best()), &mut gzip)
            .expect("memory can be written to");
        let mut hash = format!("{:x}", Sha256::digest(text));
        hash.truncate(HASH_DIGITS);
        let plain = Bytes::copy_from_slice(text.as_bytes());
        Self { content_type, cache, hash, plain, gzip: gzip.into() }
    }

    fn route(self) -> axum::routing::MethodRouter<AppState> {
        let asset = Arc::new(self);
        get(async move |headers: HeaderMap| asset.answer(&headers))
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let gzip = accept_header::names(headers, ACCEPT_ENCODING, "gzip");
        // The bytes differ, and so must their tags (RFC 9110, section 8.8.3.3).
        let tag = format!("\"{}{}\"", self.hash, if gzip { "-gzip" } else { "" });
        let known = names(headers, &tag);
        let body = if gzip { self.gzip.clone() } else { self.plain.clone() };
        let mut response =
            if known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
        let fixed: [(HeaderName, &'static str); 6] = [
            (CONTENT_TYPE, self.content_type),
            (CACHE_CONTROL, self.cache),
            (VARY, "accept-encoding"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        let headers = response.headers_mut();
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(ETAG, tag.parse().expect("digits in quotes"));
        if gzip && !known {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether `If-None-Match` names this tag, weak or not (RFC 9110, section 13.1.2).
fn names(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|other| other == "*" || other.strip_prefix("W/").unwrap_or(other) == tag)
}

#[cfg(test)]
mod tests {
    use port_checker_api::Reason;

    #[test]
    fn the_page_explains_every_reason() {
        let script = include_str!("../page/script.js");
        for reason in Reason::ALL {
            assert!(script.contains(&format!("\n  {}: [", reason.name())), "{reason:?}");
        }
    }

    #[test]
    fn the_page_is_small_and_asks_nobody_else() {
        let parts = [
            include_str!("../page/index.html"),
            include_str!("../page/style.css"),
            include_str!("../page/script.js"),
            include_str!("../page/icon.svg"),
        ];
        assert!(parts.iter().map(|part| part.len()).sum::<usize>() < 40 * 1024);
        for part in &parts[..3] {
            assert!(!part.contains("://"), "an address of another origin");
        }
    }
}
