//! The page at `/`, as a browser gets it and as people use it.

use std::process::Command;

use port_checker_testbed::{
    http::{get, request},
    ports::{Held, LOOPBACK, Listening, Refusing, Silent},
    process::Service,
    skip,
};

use crate::program::{port_checker, repository};

const SETTINGS: [(&str, &str); 5] = [
    ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
    ("PORT_CHECK_RETRIES", "1"),
    ("PORT_CHECK_TIMEOUT", "2"),
    // Forty ports at once, twice in five seconds.
    ("PORT_CHECKER_RATE_BURST", "50"),
    ("PORT_CHECKER_RATE_PER_MINUTE", "600"),
];

#[test]
fn every_part_is_guarded_compressed_and_cached() {
    let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
    let page = get(service.address, "/");
    let html = String::from_utf8(page.body.clone()).expect("text");
    let parts: Vec<&str> = html
        .split('"')
        .filter(|part| ["/script-", "/style-", "/icon-"].iter().any(|kind| part.starts_with(kind)))
        .collect();
    assert_eq!(parts.len(), 3, "{html}");
    for path in parts.into_iter().chain(["/"]) {
        let plain = get(service.address, path);
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(plain.header("referrer-policy"), Some("no-referrer"), "{path}");
        let policy = plain.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let for_ever =
            plain.header("cache-control").is_some_and(|value| value.contains("immutable"));
        assert_eq!(for_ever, path != "/", "{path}: {plain:?}");
        let coding = "Accept-Encoding: br, gzip\r\n";
        let gzip = request(service.address, "GET", path, coding);
        assert_eq!(gzip.header("content-encoding"), Some("gzip"), "{path}");
        assert!(gzip.body.len() < plain.body.len(), "{path}");
        let tag = gzip.header("etag").expect("a tag");
        assert_ne!(Some(tag), plain.header("etag"), "{path}: other bytes");
        let again = format!("{coding}If-None-Match: {tag}\r\n");
        let again = request(service.address, "GET", path, &again);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    assert_eq!(get(service.address, "/script-0.js").code(), "NOT_FOUND");
}

/// `tests/browser/page.mjs` says what is done and expected.
#[test]
fn people_use_it_in_a_real_browser() {
    let Some(mut browser) = browser("page.mjs") else { return };
    let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
    let (open, closed, silent) =
        (Listening::on(LOOPBACK), Refusing::on(LOOPBACK), Silent::on(LOOPBACK));
    browser
        .env("URL", format!("http://{}", service.address))
        .env("OPEN", open.port().to_string())
        .env("CLOSED", closed.port().to_string())
        .env("SILENT", silent.port().to_string());
    succeeds(&mut browser);
}

/// `tests/browser/other_pages.mjs` says what is done and expected.
#[test]
fn pages_of_other_origins_do_not_spend_their_visitors_allowance() {
    let Some(mut browser) = browser("other_pages.mjs") else { return };
    let pages = Service::start(&mut port_checker(&["serve"], &[]));
    let admitted = format!("http://localhost:{}", pages.address.port());
    let settings = [&SETTINGS[..], &[("PORT_CHECKER_CORS_ORIGINS", &admitted)]].concat();
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let open = Listening::on(LOOPBACK);
    browser
        .env("URL", format!("http://{}", service.address))
        .env("ADMITTED", &admitted)
        .env("OTHER", format!("http://{}", pages.address))
        .env("PORT", open.port().to_string());
    succeeds(&mut browser);
}

/// A script of `tests/browser` that drives a real browser; none where that is missing.
fn browser(script: &str) -> Option<Command> {
    if std::env::var_os("BROWSER_TOOLS").is_none() || std::env::var_os("CHROMIUM").is_none() {
        skip::missing("BROWSER_TOOLS and CHROMIUM; see scripts/test");
        return None;
    }
    let mut node = Command::new("node");
    node.arg(repository("crates/port-checker/tests/browser").join(script));
    Some(node)
}

/// The script ends without a complaint.
fn succeeds(browser: &mut Command) {
    let output = browser.output().expect("node starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
}
