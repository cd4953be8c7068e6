//! The routes beside the checks, and the headers of every answer.

use port_checker_testbed::http::{JSON, check_ports, get, post, request, send};

use crate::server::Server;

#[test]
fn health_and_readiness_have_the_words_of_the_contract() {
    let server = Server::start(|_| {});
    let cases = [("/health", r#"{"status":"ok"}"#), ("/ready", r#"{"status":"ready"}"#)];
    for (path, body) in cases {
        let answer = get(server.address, path);
        assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (200, body));
    }
}

#[test]
fn the_document_describes_this_service() {
    let server = Server::start(|config| config.max_ports = 77);
    let answer = get(server.address, "/openapi.json");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, method) in [("/check-ports", "post"), ("/health", "get"), ("/ready", "get")] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
    let ports = &document["components"]["schemas"]["CheckRequest"]["properties"]["ports"];
    assert_eq!(ports["maxItems"], 77, "the operator's limit is told: {ports}");
}

#[test]
fn the_documentation_page_comes_from_the_binary() {
    let server = Server::start(|_| {});
    let redirect = get(server.address, "/docs");
    assert_eq!((redirect.status, redirect.header("location")), (307, Some("/docs/")));
    let page = get(server.address, "/docs/");
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(!html.contains("http://") && !html.contains("https://"), "no other host: {html}");
    for asset in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert!(html.contains(asset), "{asset}");
        assert_eq!(get(server.address, &format!("/docs/{asset}")).status, 200, "{asset}");
    }
    let script = get(server.address, "/docs/swagger-initializer.js");
    let script = String::from_utf8_lossy(&script.body).into_owned();
    assert!(script.contains("/openapi.json"), "{script}");
    assert!(script.contains(r#""validatorUrl": "none""#), "asks no validator elsewhere: {script}");
}

#[test]
fn every_answer_has_a_request_id() {
    let server = Server::start(|_| {});
    let cases = [
        ("", None, "none given"),
        ("X-Request-Id: from-the-proxy.7\r\n", Some("from-the-proxy.7"), "a harmless one"),
        ("X-Request-Id: a b\r\n", None, "one with a blank"),
        ("X-Request-Id: \r\n", None, "an empty one"),
        (
            "X-Request-Id: 12345678901234567890123456789012345678901234567890123456789012345\r\n",
            None,
            "too long",
        ),
    ];
    for (header, expected, why) in cases {
        for path in ["/health", "/nothing"] {
            let answer = request(server.address, "GET", path, header);
            let id = answer.header("x-request-id").unwrap_or_default();
            match expected {
                Some(expected) => assert_eq!(id, expected, "{why}"),
                None => assert!(id.len() == 16, "{why}: a new one, not {id:?}"),
            }
        }
    }
}

/// A cache would give the first caller's answer to the second, or yesterday's today.
#[test]
fn no_cache_keeps_answers_about_a_caller() {
    let server = Server::start(|config| config.bounds.head_bytes = 8 * 1024);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9_000));
    let answers = [
        (get(server.address, "/ip"), 200, "an address"),
        (get(server.address, "/port/1"), 200, "a port"),
        (get(server.address, "/port/0"), 422, "no port"),
        (get(server.address, "/health"), 200, "health"),
        (get(server.address, "/ready"), 200, "readiness"),
        (get(server.address, "/metrics"), 200, "metrics"),
        (check_ports(server.address, r#"{"ports":[]}"#), 200, "a check"),
        (check_ports(server.address, "?"), 422, "no check"),
        (post(server.address, "/check-tls", JSON, b"{}"), 422, "no check of TLS"),
        (post(server.address, "/check-ports", "", b"{}"), 415, "another type"),
        (get(server.address, "/check-ports"), 405, "another method"),
        (get(server.address, "/nothing"), 404, "nothing"),
        (
            send(server.address, b"OPTIONS /ip HTTP/1.1\r\nConnection: close\r\n\r\n"),
            200,
            "the methods that may be sent",
        ),
        (send(server.address, b"GARBAGE\r\n\r\n"), 400, "no request"),
        (send(server.address, long.as_bytes()), 431, "too long a request"),
    ];
    for (answer, status, why) in answers {
        assert_eq!(answer.status, status, "{why}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{why}");
    }
}

/// As Chromium and Firefox send them; `tests/system/page.rs` has them from a real browser.
#[test]
fn other_pages_do_not_spend_their_visitors_allowance() {
    let listed =
        || port_checker_server::CorsOrigins::Only(vec!["https://a.example".parse().unwrap()]);
    let server = Server::start(|config| config.cors_origins = listed());
    let any = Server::start(|_| {});
    let cases = [
        ("", 200, "curl"),
        ("Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n", 200, "typed"),
        ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n", 200, "its own page"),
        ("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403, "an image"),
        ("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 403, "a frame, a link"),
        ("Origin: https://b.example\r\nSec-Fetch-Site: cross-site\r\n", 403, "fetch"),
        ("Origin: https://a.example\r\nSec-Fetch-Site: cross-site\r\n", 200, "an admitted one"),
        ("Origin: https://a.example\r\n", 200, "an admitted one, in an old browser"),
        ("Origin: https://b.example\r\n", 403, "an old browser"),
        ("Origin: null\r\nSec-Fetch-Site: cross-site\r\n", 403, "a page without an origin"),
        ("Origin: http://test\r\n", 200, "its own page, in an old browser"),
    ];
    for (headers, status, why) in cases {
        let answer = request(server.address, "GET", "/port/1", headers);
        assert_eq!(answer.status, status, "{why}: {answer:?}");
        if status == 403 {
            assert_eq!(answer.code(), "TARGET_NOT_ALLOWED", "{why}");
            assert!(answer.message().contains("PORT_CHECKER_CORS_ORIGINS"), "{answer:?}");
            assert_eq!(answer.header("ratelimit"), None, "{why}: nothing was charged");
        }
        assert_eq!(
            request(server.address, "GET", "/ip", headers).status,
            200,
            "{why}: costs nothing"
        );
        assert_eq!(request(any.address, "GET", "/port/1", headers).status, 200, "{why}: any may");
    }
}

#[test]
fn pages_of_admitted_origins_may_call() {
    let any = Server::start(|_| {});
    let cors = port_checker_server::CorsOrigins::Only(vec!["https://a.example".parse().unwrap()]);
    let one = Server::start(|config| config.cors_origins = cors);
    let cases = [
        (&any, "https://a.example", Some("*"), "any origin"),
        (&one, "https://a.example", Some("https://a.example"), "the listed one"),
        (&one, "https://b.example", None, "another one"),
    ];
    for (server, origin, allowed, why) in cases {
        let origin = format!("Origin: {origin}\r\n");
        for path in ["/health", "/nothing"] {
            let answer = request(server.address, "GET", path, &origin);
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{why}: {path}");
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{why}");
        }
        let asks = format!(
            "{origin}Access-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: content-type\r\n"
        );
        let preflight = request(server.address, "OPTIONS", "/check-ports", &asks);
        assert_eq!(preflight.status, 200, "{why}");
        assert_eq!(preflight.header("access-control-allow-origin"), allowed, "{why}");
        assert_eq!(preflight.header("access-control-allow-methods"), Some("GET,POST"), "{why}");
    }
}

#[test]
fn both_families_are_served_by_one_socket() {
    let server = Server::start_on("[::]:0", |_| {});
    for ip in ["127.0.0.1", "::1"] {
        let address = (ip.parse::<std::net::IpAddr>().unwrap(), server.address.port()).into();
        let answer = check_ports(address, r#"{"ports":[]}"#);
        assert_eq!(answer.status, 200, "{ip}: {answer:?}");
    }
}
