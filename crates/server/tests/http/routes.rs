//! The routes beside the check, and what is on every answer.

use port_checker_testbed::http::{check_ports, get, request};

use crate::server::Server;

#[test]
fn health_and_readiness_say_exactly_what_the_contract_says() {
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
