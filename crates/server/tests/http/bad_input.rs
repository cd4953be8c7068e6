//! Bad requests, each with its code and a message that names the value.

use port_checker_testbed::http::{Answer, JSON, check_ports, post, request, send};

use crate::server::Server;

/// Bodies, each with its code, a part of the message, and the reason for the row.
const BAD_BODIES: &[(&str, &str, &str, &str)] = &[
    (r#"{"provider_ip":"example.org","ports":[80]}"#, "INVALID_IP", "'example.org'", "a name"),
    (r#"{"provider_ip":"","ports":[80]}"#, "INVALID_IP", "''", "an empty string"),
    (r#"{"provider_ip":"fe80::1%lo","ports":[80]}"#, "INVALID_IP", "'fe80::1%lo'", "a zone"),
    (r#"{"provider_ip":"[::1]","ports":[80]}"#, "INVALID_IP", "'[::1]'", "brackets"),
    (r#"{"provider_ip":"127.0.0.1:80","ports":[80]}"#, "INVALID_IP", "'127.0.0.1:80'", "a port"),
    (r#"{"provider_ip":"127.1","ports":[80]}"#, "INVALID_IP", "'127.1'", "two numbers"),
    (r#"{"provider_ip":"0177.0.0.1","ports":[80]}"#, "INVALID_IP", "'0177.0.0.1'", "octal"),
    (r#"{"provider_ip":"2130706433","ports":[80]}"#, "INVALID_IP", "'2130706433'", "one number"),
    (r#"{"provider_ip":" ::1","ports":[80]}"#, "INVALID_IP", "' ::1'", "a blank"),
    (r#"{"provider_ip":"::1\n","ports":[80]}"#, "INVALID_IP", r"'::1\n'", "a line end"),
    (
        r#"{"provider_ip":127,"ports":[80]}"#,
        "INVALID_REQUEST",
        "provider_ip is 127; expected",
        "not a string",
    ),
    (r#"{"ports":[0]}"#, "INVALID_PORT", "contains 0;", "names no port"),
    (r#"{"ports":[65536]}"#, "INVALID_PORT", "contains 65536;", "above the range"),
    (r#"{"ports":[-1]}"#, "INVALID_PORT", "contains -1;", "below the range"),
    (r#"{"ports":[1.5]}"#, "INVALID_PORT", "contains 1.5;", "not an integer"),
    (r#"{"ports":[80,"80"]}"#, "INVALID_PORT", r#"contains "80";"#, "a string"),
    (r#"{"ports":[null]}"#, "INVALID_PORT", "contains null;", "null"),
    (r#"{"ports":[[80]]}"#, "INVALID_PORT", "contains [80];", "an array"),
    (r#"{"ports":[true]}"#, "INVALID_PORT", "contains true;", "a boolean"),
    (
        r#"{"ports":[1000000000000000000000000000000]}"#,
        "INVALID_PORT",
        "contains 1000000000000000000000000000000;",
        "10^30",
    ),
    (r#"{"provider_ip":"::1"}"#, "INVALID_REQUEST", "ports is missing", "no ports"),
    (r#"{"ports":null}"#, "INVALID_REQUEST", "ports is missing or null", "null for ports"),
    (r#"{"ports":80}"#, "INVALID_REQUEST", "ports is 80;", "a number for ports"),
    (r#"{"ports":{"80":1}}"#, "INVALID_REQUEST", r#"ports is {"80":1};"#, "an object for ports"),
    (
        r#"{"ports":[80],"verbose":"yes"}"#,
        "INVALID_REQUEST",
        r#"verbose is "yes";"#,
        "not a boolean",
    ),
    (r#"{"ports":[80],"ports":[81]}"#, "INVALID_REQUEST", "duplicate field", "a field twice"),
    (r#"["127.0.0.1",[80]]"#, "INVALID_REQUEST", r#"'["127.0.0.1",[80'"#, "an array as body"),
    (r#""ports""#, "INVALID_REQUEST", r#"'"ports"'"#, "a string as body"),
    ("", "INVALID_REQUEST", "the body is empty", "an empty body"),
    (" \r\n\t", "INVALID_REQUEST", "the body is empty", "blanks"),
    ("\u{feff}", "INVALID_REQUEST", "the body is empty", "a byte-order mark alone"),
    (r#"{"ports":[80],"challenge":5}"#, "INVALID_REQUEST", "challenge is 5;", "a number"),
    (r#"{"ports":[80"#, "INVALID_REQUEST", "EOF", "truncated JSON"),
    (r#"{"ports":[80]} x"#, "INVALID_REQUEST", "trailing", "more than JSON"),
    (r#"{ports:[80]}"#, "INVALID_REQUEST", "line 1 column 2", "JavaScript, not JSON"),
];

#[test]
fn bodies_that_are_not_good_requests() {
    let server = Server::start(|_| {});
    for (body, code, named, why) in BAD_BODIES.iter().copied() {
        let answer = check_ports(server.address, body);
        assert_error(&answer, 422, code, why);
        assert!(answer.message().contains(named), "{why}: {}", answer.message());
    }
}

#[test]
fn deep_nesting_is_ignored_or_refused_but_never_followed() {
    let server = Server::start(|_| {});
    let deep = "[".repeat(200_000);
    let cases = [
        (format!(r#"{{"ports":{deep}"#), "where ports should be"),
        (format!(r#"{{"x":{deep}"#), "in an unknown field, not closed"),
        (deep, "as the body"),
    ];
    for (body, why) in cases {
        assert_error(&check_ports(server.address, &body), 422, "INVALID_REQUEST", why);
    }
    let closed = format!(r#"{{"x":{}{},"ports":[]}}"#, "[".repeat(90_000), "]".repeat(90_000));
    assert_eq!(check_ports(server.address, &closed).status, 200, "in an unknown field, closed");
}

#[test]
fn too_many_ports_are_counted_and_the_limit_is_named() {
    let server = Server::start(|config| config.max_ports = 1000);
    for (count, why) in [(1001, "one too many"), (100_000, "repeats count")] {
        let ports: Vec<String> = (0..count).map(|n| (n % 60_000 + 1).to_string()).collect();
        let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":[{}]}}"#, ports.join(","));
        let answer = check_ports(server.address, &body);
        assert_error(&answer, 422, "TOO_MANY_PORTS", why);
        assert!(answer.message().contains(&format!("{count} ports")), "{}", answer.message());
        assert!(answer.message().contains("at most 1000"), "{}", answer.message());
    }
}

#[test]
fn bodies_that_are_too_large() {
    let server = Server::start(|_| {});
    let json = "Content-Type: application/json\r\n";
    let body = vec![b' '; 10_000_000];
    let answer = post(server.address, "/check-ports", json, &body);
    assert_error(&answer, 413, "PAYLOAD_TOO_LARGE", "10 MB sent at once");
    let answer = post(server.address, "/check-ports", "Content-Type: text/plain\r\n", &body);
    assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE", "10 MB of another type");
    let waiting = "POST /check-ports HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
                   Content-Type: application/json\r\nContent-Length: 10000000\r\n\
                   Expect: 100-continue\r\n\r\n";
    let answer = send(server.address, waiting.as_bytes());
    assert_error(&answer, 413, "PAYLOAD_TOO_LARGE", "10 MB announced");
    let mut chunked = b"POST /check-ports HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
                        Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    chunked.extend(format!("{:x}\r\n", 2_000_000).bytes());
    chunked.extend(std::iter::repeat_n(b' ', 2_000_000));
    chunked.extend(b"\r\n0\r\n\r\n");
    assert_error(&send(server.address, &chunked), 413, "PAYLOAD_TOO_LARGE", "2 MB in chunks");
}

#[test]
fn all_65535_ports_one_to_a_line_are_not_too_large() {
    let server = Server::start(|config| config.max_ports = 10);
    let lines: Vec<String> = (1..=u16::MAX).map(|port| format!("        {port}")).collect();
    let body = format!("{{\"ports\": [\n{}\n]}}", lines.join(",\n"));
    assert_error(&check_ports(server.address, &body), 422, "TOO_MANY_PORTS", "read to the end");
}

#[test]
fn content_types() {
    let server = Server::start(|_| {});
    let cases = [
        ("", 415, "none"),
        ("Content-Type: text/plain\r\n", 415, "text"),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415, "curl -d alone"),
        ("Content-Type: application/jsonp\r\n", 415, "begins like the right one"),
        ("Content-Type: application/json\r\n", 200, "the right one"),
        ("Content-Type: Application/JSON; charset=utf-8\r\n", 200, "as some clients write it"),
        ("Content-Type: application/vnd.api+json\r\n", 200, "a suffix that says JSON"),
        ("Content-Type: Application/LD+JSON; profile=x\r\n", 200, "the same in capitals"),
        ("Content-Type: application/+json\r\n", 415, "nothing before the suffix"),
        ("Content-Type: /x+json\r\n", 415, "no type"),
        ("Content-Type: x+json\r\n", 415, "no media type"),
        ("Content-Type: application/json+xml\r\n", 415, "another suffix"),
        ("Content-Type: application/json+json2\r\n", 415, "not quite the suffix"),
    ];
    for (header, status, why) in cases {
        let answer = post(server.address, "/check-ports", header, br#"{"ports":[]}"#);
        assert_eq!(answer.status, status, "{why}: {answer:?}");
        if status != 200 {
            assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE", why);
        }
    }
}

#[test]
fn bytes_that_are_not_utf8() {
    let server = Server::start(|_| {});
    let json = "Content-Type: application/json\r\n";
    let answer = post(server.address, "/check-ports", json, b"{\"ports\":[80],\"x\":\"\xff\"}");
    assert_error(&answer, 422, "INVALID_REQUEST", "a stray byte in an unknown field");
    assert!(answer.message().contains("byte 19"), "{}", answer.message());
}

#[test]
fn a_byte_order_mark_is_ignored_once() {
    let server = Server::start(|_| {});
    let cases = [
        ("/check-ports", "\u{feff}{\"ports\":[]}", 200, "before a check"),
        ("/check-tls", "\u{feff}{\"host\":5,\"port\":1}", 422, "before another request"),
        ("/check-ports", "\u{feff}\u{feff}{\"ports\":[]}", 422, "twice"),
        ("/check-ports", "{\u{feff}\"ports\":[]}", 422, "elsewhere"),
    ];
    for (path, body, status, why) in cases {
        let answer = post(server.address, path, JSON, body.as_bytes());
        assert_eq!(answer.status, status, "{why}: {answer:?}");
        if path == "/check-tls" {
            assert!(answer.message().contains("host is 5;"), "{why}: {}", answer.message());
        }
    }
}

#[test]
fn compressed_bodies_are_refused_with_the_accepted_encoding() {
    let server = Server::start(|_| {});
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\x2a\xc8\x2f";
    let zstd = b"\x28\xb5\x2f\xfd\x04\0";
    let plain = br#"{"ports":[]}"#;
    let cases: [(&str, &[u8], u16, &str); 6] = [
        ("", gzip, 415, "gzip that does not say so"),
        ("Content-Encoding: gzip\r\n", gzip, 415, "gzip"),
        ("", zstd, 415, "Zstandard that does not say so"),
        ("Content-Encoding: br\r\n", plain, 415, "said to be Brotli"),
        ("Content-Encoding: Identity\r\n", plain, 200, "not encoded, and says so"),
        ("", plain, 200, "not encoded"),
    ];
    for path in ["/check-ports", "/check-tls"] {
        for (header, body, status, why) in cases {
            let answer = post(server.address, path, &format!("{JSON}{header}"), body);
            if status == 415 {
                assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE", why);
                assert_eq!(answer.header("accept-encoding"), Some("identity"), "{why}");
                assert!(answer.message().contains("compress"), "{}", answer.message());
            } else if path == "/check-ports" {
                assert_eq!(answer.status, status, "{why}: {answer:?}");
            }
        }
    }
    let text = post(server.address, "/check-ports", "Content-Type: text/plain\r\n", plain);
    assert_eq!(text.header("accept-encoding"), None, "only where the encoding is at fault");
}

/// Each would be 127.0.0.1, or nothing, to a program that misreads it.
#[test]
fn hosts_that_look_like_addresses_are_no_names() {
    let server = Server::start(|_| {});
    for host in ["127.1", "0177.0.0.1", "2130706433", "0x7f.1", "127.0.0.1.", "[::1]", "::1%lo"] {
        let body = format!(r#"{{"host":"{host}","port":1}}"#);
        let answer = post(server.address, "/check-tls", JSON, body.as_bytes());
        assert_error(&answer, 422, "INVALID_REQUEST", host);
    }
}

#[test]
fn paths_and_methods_that_do_not_exist() {
    let server = Server::start(|_| {});
    let cases = [
        ("GET", "/nothing-here", 404, "NOT_FOUND", "'/nothing-here'"),
        ("POST", "/nothing", 404, "NOT_FOUND", "'/nothing'"),
        ("GET", "/docs/%ff", 404, "NOT_FOUND", "'%ff'"),
        ("GET", "/docs/nothing", 404, "NOT_FOUND", "'nothing'"),
        ("GET", "/check-ports", 405, "METHOD_NOT_ALLOWED", "'GET'"),
        ("POST", "/", 405, "METHOD_NOT_ALLOWED", "'POST'"),
        ("DELETE", "/health", 405, "METHOD_NOT_ALLOWED", "'DELETE'"),
    ];
    for (method, path, status, code, named) in cases {
        let answer = request(server.address, method, path, "");
        assert_error(&answer, status, code, path);
        assert!(answer.message().contains(named), "{}", answer.message());
        assert_eq!(answer.header("allow").is_some(), status == 405, "{answer:?}");
    }
}

#[test]
fn bytes_that_are_no_request_get_an_error_body_too() {
    let server = Server::start(|_| {});
    let many_fields = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(150));
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    let cases: [(&[u8], u16, &str, &str); 6] = [
        (b"GARBAGE\r\n\r\n", 400, "INVALID_REQUEST", "garbage"),
        (b"GET /\r\n\r\n", 400, "INVALID_REQUEST", "HTTP/0.9"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400, "INVALID_REQUEST", "a TLS handshake"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "INVALID_REQUEST", "a length"),
        (many_fields.as_bytes(), 431, "PAYLOAD_TOO_LARGE", "many header fields"),
        (long_path.as_bytes(), 431, "PAYLOAD_TOO_LARGE", "a long path"),
    ];
    for (bytes, status, code, why) in cases {
        assert_error(&send(server.address, bytes), status, code, why);
    }
}

#[test]
fn long_values_are_quoted_in_part() {
    let server = Server::start(|_| {});
    let long = "a".repeat(100_000);
    let cases = [
        ("/check-ports", format!(r#"{{"provider_ip":"{long}","ports":[]}}"#), "INVALID_IP"),
        ("/check-ports", format!(r#"{{"verbose":"{long}","ports":[]}}"#), "INVALID_REQUEST"),
        ("/check-ports", format!(r#"{{"verbose":"{long}"#), "INVALID_REQUEST"),
        ("/check-tls", format!(r#"{{"host":"{long}","port":1}}"#), "INVALID_REQUEST"),
        ("/check-tls", format!(r#"{{"host":"a","port":"{long}"}}"#), "INVALID_PORT"),
    ];
    for (path, body, code) in cases {
        let answer = post(server.address, path, JSON, body.as_bytes());
        assert_error(&answer, 422, code, "a very long value");
        assert!(answer.message().len() < 400, "{}", answer.message());
    }
}

fn assert_error(answer: &Answer, status: u16, code: &str, why: &str) {
    assert_eq!(answer.status, status, "{why}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{why}");
    assert_eq!(answer.code(), code, "{why}: {}", answer.message());
}
