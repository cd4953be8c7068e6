//! Lines as JSON, each parsed strictly.

use port_checker_testbed::{
    http::{JSON, begin_check, check_ports, get, post, request, send},
    ports::{Held, LOOPBACK, Listening, Refusing, Silent},
    process::Service,
};
use serde_json::Value;

use super::{NOT_OURS, QUICK, strict::parse};
use crate::program::port_checker;

const AS_JSON: [(&str, &str); 2] =
    [("PORT_CHECKER_LOG_FORMAT", "json"), ("PORT_CHECKER_DEBUG", "true")];

fn start(settings: &[(&str, &str)]) -> Service {
    Service::start(&mut port_checker(&["serve"], &[&QUICK, &AS_JSON, settings].concat()))
}

/// What every line has.
fn assert_whole(line: &Value) {
    for key in ["timestamp", "level", "message", "module"] {
        assert!(line[key].is_string(), "{key} in {line}");
    }
}

#[test]
fn a_check_in_one_object() {
    let mut service = start(&[]);
    let (open, closed) = (Listening::on(LOOPBACK), Refusing::on(LOOPBACK));
    let body = format!(r#"{{"ports":[{},{}]}}"#, open.port(), closed.port());
    let headers = format!("{JSON}User-Agent: curl/8.14.1\r\nConnection: close\r\n");
    let answer = post(service.address, "/check-ports", &headers, body.as_bytes());
    let line = parse(&service.wait_for_line("checked"));
    assert_whole(&line);
    let expected: [(&str, Value); 10] = [
        ("request_id", answer.header("x-request-id").unwrap().into()),
        ("level", "INFO".into()),
        ("caller", "127.0.0.1".into()),
        ("target", "127.0.0.1".into()),
        ("module", "port_checker_server::access_log".into()),
        ("method", "POST".into()),
        ("route", "/check-ports".into()),
        ("user_agent", "curl/8.14.1".into()),
        ("status", 200.into()),
        ("ports", 2.into()),
    ];
    for (key, value) in expected {
        assert_eq!(line[key], value, "{key} in {line}");
    }
}

/// Every kind there is, up to the first request.
#[test]
fn every_line_of_a_start_is_strict_json() {
    let settings = [
        AS_JSON.as_slice(),
        &[
            ("PORT_CHECKER_TARGTS", "caller"),
            ("PORT_CHECKER_TARGETS", "any"),
            ("PORT_CHECK_DEADLINE", "1"),
            ("PORT_CHECKER_HOST", NOT_OURS),
        ],
    ];
    let output = port_checker(&["serve"], &settings.concat()).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(parse).for_each(|line| assert_whole(&line));
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

/// The same from then on.
#[test]
fn every_line_of_a_service_is_strict_json() {
    let mut service = start(&[("PORT_CHECKER_REDIS_URL", "redis://127.0.0.1:1")]);
    let address = service.address;
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    drop(begin_check(address, &format!(r#"{{"ports":[{}]}}"#, silent.port())));
    let mut lines = service.lines_until("abandoned");
    check_ports(address, &format!(r#"{{"ports":[{}]}}"#, open.port()));
    check_ports(address, r#"{"provider_ip":"224.0.0.1","ports":[1]}"#);
    check_ports(address, "{\"ports\":\"\\u001b\u{202e}\"}");
    post(address, "/check-tls", &format!("{JSON}Connection: close\r\n"), b"{\"host\":1}");
    request(address, "GET", "/%00\"\\", "User-Agent: a\"b\\c\t\u{202e}\r\n");
    get(address, "/health");
    send(address, b"\r\n\x01 not HTTP\r\n\r\n");
    service.signal("HUP");
    lines.extend(service.lines_until("read again"));
    for _ in 0..100 {
        get(address, "/no/such/route");
    }
    lines.extend(service.finish().1);
    assert_kinds(
        &lines,
        &[
            "Redis does not answer: limits are kept in this process until it does",
            "abandoned by the client",
            "judged",
            "checked",
            "rejected",
            "answered",
            "connection broke off",
            "there is no certificate to read again",
            "more lines were not written",
            "shutting down",
            "stopped",
        ],
    );
    let failing = start(&[("PORT_CHECK_DEADLINE", "0.1")]);
    check_ports(failing.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    assert_kinds(&failing.finish().1, &["failed"]);
}

/// Each is strict, and these messages are among them.
fn assert_kinds(lines: &[String], messages: &[&str]) {
    let lines: Vec<Value> = lines.iter().map(|line| parse(line)).collect();
    lines.iter().for_each(assert_whole);
    for message in messages {
        assert!(lines.iter().any(|line| line["message"] == *message), "{message} in {lines:#?}");
    }
}

#[test]
fn foreign_text_is_bounded_and_escaped() {
    let mut service = start(&[]);
    let method = "M".repeat(15_900);
    let user_agent = format!("User-Agent: {}\u{202e}\u{9b}2J\r\n", "a".repeat(61));
    assert_eq!(request(service.address, &method, "/", "").status, 405);
    let line = service.wait_for_line("rejected");
    assert!(line.len() < 1000, "{} bytes", line.len());
    assert_eq!(parse(&line)["method"], format!("{}…", &method[..64]));
    let path = format!("/{}", "p".repeat(8000));
    let answer = request(service.address, "GET", &path, &user_agent);
    assert_eq!(answer.status, 404, "{answer:?}");
    let line = service.wait_for_line("rejected");
    assert!(line.len() < 1000, "{} bytes", line.len());
    let line = parse(&line);
    assert_eq!(line["user_agent"], format!(r"{}\u{{202e}}\u{{9b}}2…", "a".repeat(61)));
    assert!(line["error"].as_str().unwrap().contains("pppp…"), "{line}");
}
