//! `GET /`: the page for people, and its files.

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

use super::{
    accept_header, page_form,
    page_headers::{POLICY, REFERRERS},
    state::AppState,
};
use crate::config::{Config, PageUrls};

/// The parts of the page; each names only those before it.
const PARTS: [(&str, &str, &[u8]); 10] = [
    ("icon.svg", "image/svg+xml", include_bytes!("../page/icon.svg")),
    ("preview.png", "image/png", include_bytes!("../page/preview.png")),
    ("style.css", "text/css; charset=utf-8", include_bytes!("../page/style.css")),
    ("ports.js", SCRIPT, include_bytes!("../page/ports.js")),
    ("words.js", SCRIPT, include_bytes!("../page/words.js")),
    ("checker.js", SCRIPT, include_bytes!("../page/checker.js")),
    ("history.js", SCRIPT, include_bytes!("../page/history.js")),
    ("view.js", SCRIPT, include_bytes!("../page/view.js")),
    ("share.js", SCRIPT, include_bytes!("../page/share.js")),
    ("script.js", SCRIPT, include_bytes!("../page/script.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// A file with its hash in its name never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Any other file is asked for again, and answered in a few bytes if it is the same.
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
pub(crate) fn router(config: &Config) -> Router<AppState> {
    let mut paths: Vec<(&str, String)> = Vec::new();
    let mut router = Router::new();
    for (name, content_type, bytes) in PARTS {
        let bytes = with_paths(bytes, &paths);
        let asset = Asset::new(content_type, FOR_EVER, &bytes);
        let (stem, extension) = name.split_once('.').expect("a file has an extension");
        let path = format!("/{stem}-{}.{extension}", asset.hash);
        router = router.route(&path, asset.route());
        paths.push((name, path));
    }
    let page = with_settings(include_str!("../page/index.html"), config);
    let page = Asset::new(HTML, ASK_AGAIN, &with_paths(page.as_bytes(), &paths));
    let form = with_paths(include_bytes!("../page/form.html"), &paths);
    let form = String::from_utf8(form).expect("a file of text");
    router.route("/", page.route()).merge(page_form::router(form))
}

/// A part with the paths of other parts: `{name}` in a page, `"./name"` in a script.
fn with_paths(part: &[u8], paths: &[(&str, String)]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(part) else { return part.to_vec() };
    let mut text = text.to_owned();
    for (name, path) in paths {
        text = text.replace(&format!("{{{name}}}"), path);
        text = text.replace(&format!("\"./{name}\""), &format!("\"{path}\""));
    }
    text.into_bytes()
}

/// The page with this service's settings in it.
fn with_settings(page: &str, config: &Config) -> String {
    let url = |url: &Option<String>| url.clone().unwrap_or_default();
    let PageUrls { ipv4, ipv6 } = &config.page_urls;
    // Sites that show a preview resolve no relative address.
    let site = url(&ipv4.clone().or_else(|| ipv6.clone()));
    page.replace("{max_ports}", &config.max_ports.to_string())
        .replace("{silent_seconds}", &config.probe.longest().as_secs_f64().to_string())
        .replace("{site}", &site)
        .replace("{ipv4_url}", &url(ipv4))
        .replace("{ipv6_url}", &url(ipv6))
}

impl Asset {
    fn new(content_type: &'static str, cache: &'static str, bytes: &[u8]) -> Self {
        let mut gzip = Vec::new();
        std::io::copy(&mut GzEncoder::new(bytes, Compression::best()), &mut gzip)
            .expect("memory can be written to");
        let mut hash = format!("{:x}", Sha256::digest(bytes));
        hash.truncate(HASH_DIGITS);
        let plain = Bytes::copy_from_slice(bytes);
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
            (REFERRER_POLICY, REFERRERS),
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

    use super::*;

    /// Everything a browser loads, and the picture that other sites show of it, in bytes before compression.
    const MAX_PAGE_BYTES: usize = 60 * 1024;

    #[test]
    fn the_page_explains_every_reason() {
        let script = include_str!("../page/words.js");
        for reason in Reason::ALL {
            assert!(script.contains(&format!("\n  {}: [", reason.name())), "{reason:?}");
        }
    }

    #[test]
    fn the_page_is_small_and_asks_nobody_else() {
        let page = include_bytes!("../page/index.html");
        let size = page.len() + PARTS.iter().map(|(.., bytes)| bytes.len()).sum::<usize>();
        assert!(size < MAX_PAGE_BYTES, "{size} bytes");
        let texts = PARTS.iter().filter(|(name, ..)| !name.starts_with("icon"));
        for text in texts.filter_map(|(.., bytes)| std::str::from_utf8(bytes).ok()) {
            assert!(!text.contains("://"), "an address of another origin: {text}");
        }
        assert!(!include_str!("../page/index.html").contains("://"));
    }

    #[test]
    fn the_preview_has_a_whole_address_where_the_page_knows_its_own() {
        let (v4, v6) = ("https://v4.checker.example", "https://v6.checker.example");
        for (ipv4, ipv6, expected) in
            [(None, None, ""), (Some(v4), None, v4), (None, Some(v6), v6), (Some(v4), Some(v6), v4)]
        {
            let page_urls = PageUrls { ipv4: ipv4.map(Into::into), ipv6: ipv6.map(Into::into) };
            let config = Config { page_urls, ..Config::default() };
            let page = with_settings(include_str!("../page/index.html"), &config);
            assert!(
                page.contains(&format!("og:image\" content=\"{expected}{{preview.png}}")),
                "{page}"
            );
        }
    }

    #[test]
    fn every_part_is_named_by_its_path() {
        let paths = [("ports.js", "/ports-1.js".to_owned())];
        let text = br#"import {} from "./ports.js"; <a href="{ports.js}">"#;
        let expected = br#"import {} from "/ports-1.js"; <a href="/ports-1.js">"#;
        assert_eq!(with_paths(text, &paths), expected);
    }
}
