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
    ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
];

/// Fifty ports at once, and ten more each second.
const LIMITED: [(&str, &str); 2] =
    [("PORT_CHECKER_RATE_BURST", "50"), ("PORT_CHECKER_RATE_PER_MINUTE", "600")];

/// Ports that never answer, in one list.
const SILENT_PORTS: usize = 20;

/// What the page is made of.
const PARTS: [&str; 10] =
    ["script", "ports", "words", "view", "checker", "history", "share", "style", "icon", "preview"];

#[test]
fn every_part_is_guarded_compressed_and_cached() {
    let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
    let page = get(service.address, "/");
    let html = String::from_utf8(page.body.clone()).expect("text");
    let parts: Vec<&str> = html
        .split('"')
        .filter(|part| PARTS.iter().any(|kind| part.starts_with(&format!("/{kind}-"))))
        .collect();
    assert_eq!(parts.len(), PARTS.len(), "{html}");
    for path in parts.into_iter().chain(["/"]) {
        let plain = get(service.address, path);
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(plain.header("referrer-policy"), Some("same-origin"), "{path}");
        let policy = plain.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let for_ever =
            plain.header("cache-control").is_some_and(|value| value.contains("immutable"));
        assert_eq!(for_ever, path != "/", "{path}: {plain:?}");
        let coding = "Accept-Encoding: br, gzip\r\n";
        let gzip = request(service.address, "GET", path, coding);
        assert_eq!(gzip.header("content-encoding"), Some("gzip"), "{path}");
        let smaller = gzip.body.len() < plain.body.len();
        assert!(smaller || path.ends_with(".png"), "{path}");
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
    let all_silent: Vec<Silent> = (0..SILENT_PORTS).map(|_| Silent::on(LOOPBACK)).collect();
    let list: Vec<String> = all_silent.iter().map(|silent| silent.port().to_string()).collect();
    use_page("page.mjs", &SETTINGS, &[("ALL_SILENT", &list.join(","))]);
}

/// `tests/browser/layout.mjs` says what is done and expected.
#[test]
fn a_thousand_ports_fit_into_two_screens() {
    use_page("layout.mjs", &SETTINGS, &[]);
}

/// `tests/browser/limits.mjs` says what is done and expected.
#[test]
fn a_limit_is_told_in_words_and_what_can_pass_is_offered() {
    use_page("limits.mjs", &[&SETTINGS[..3], &LIMITED].concat(), &[]);
}

/// `tests/browser/no_script.mjs` says what is done and expected.
#[test]
fn a_browser_without_javascript_gets_results() {
    use_page("no_script.mjs", &SETTINGS, &[]);
}

/// `tests/browser/families.mjs` says what is done and expected.
#[test]
fn the_page_leads_to_the_other_family() {
    let Some(mut browser) = browser("families.mjs") else { return };
    let over_ipv6 = [&SETTINGS[..], &[("PORT_CHECKER_HOST", "::1")]].concat();
    let over_ipv6 = Service::start(&mut port_checker(&["serve"], &over_ipv6));
    let ipv6 = format!("http://[::1]:{}", over_ipv6.address.port());
    let over_ipv4 = [&SETTINGS[..], &[("PORT_CHECKER_IPV6_URL", &ipv6)]].concat();
    let over_ipv4 = Service::start(&mut port_checker(&["serve"], &over_ipv4));
    let open = Listening::on(LOOPBACK);
    browser
        .env("IPV4", format!("http://{}", over_ipv4.address))
        .env("IPV6", ipv6)
        .env("OPEN", open.port().to_string());
    succeeds(&mut browser);
}

/// A link, an image or a form of another page fills the form in; only the page's own has ports checked.
#[test]
fn the_form_is_only_answered_for_the_pages_own_visitors() {
    let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
    let open = Listening::on(LOOPBACK);
    let host = service.address;
    let path = format!("/check?ports={}", open.port());
    let cases = [
        ("", false, "typed, or an old browser that follows a link"),
        ("Sec-Fetch-Site: cross-site\r\n", false, "a link or an image of another site"),
        ("Sec-Fetch-Site: same-site\r\n", false, "the same of a sibling"),
        ("Sec-Fetch-Site: none\r\n", false, "typed"),
        ("Referer: http://elsewhere.example/\r\n", false, "another page over plain HTTP"),
        ("Referer: http://127.0.0.1:1/\r\n", false, "another port"),
        ("Sec-Fetch-Site: same-origin\r\n", true, "its own page"),
        ("Referer: http://test/check?ports=1\r\n", true, "its own page over plain HTTP"),
    ];
    for (headers, checked, why) in cases {
        let answer = request(host, "GET", &path, headers);
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(html.contains("1 of 1 port open"), checked, "{why}: {html}");
        assert_eq!(answer.status, 200, "{why}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{why}");
        assert!(answer.header("content-security-policy").is_some(), "{why}");
    }
    let own = "Sec-Fetch-Site: same-origin\r\n";
    for (list, status, words) in [
        ("80,%3Cscript%3E%22", 422, "&lt;script&gt;"),
        ("1-65535,1-65535", 422, "1024"),
        ("%7Bcontent%7D", 422, "value=\"{content}\""),
        ("80%20-%2081;82", 200, "0 of 3 ports open"),
        ("", 422, "expected ports"),
    ] {
        let answer = request(host, "GET", &format!("/check?ports={list}"), own);
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == status && html.contains(words), "{list}: {html}");
        assert!(!html.contains("<script"), "{list}: {html}");
    }
}

/// A script of `tests/browser` about one checker with an open, a closed and a silent port.
fn use_page(script: &str, settings: &[(&str, &str)], more: &[(&str, &str)]) {
    let Some(mut browser) = browser(script) else { return };
    let service = Service::start(&mut port_checker(&["serve"], settings));
    let (open, closed, silent) =
        (Listening::on(LOOPBACK), Refusing::on(LOOPBACK), Silent::on(LOOPBACK));
    browser
        .env("URL", format!("http://{}", service.address))
        .env("OPEN", open.port().to_string())
        .env("CLOSED", closed.port().to_string())
        .env("SILENT", silent.port().to_string())
        .envs(more.iter().copied());
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
