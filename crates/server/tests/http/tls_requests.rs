//! Bodies of `POST /check-tls`, good and bad.

use port_checker_testbed::http::{Answer, JSON, post};

use crate::server::Server;

/// Refused by the policy of every checker here, so that this refusal is the sign of a good request.
const HOST: &str = "192.0.2.1";

fn ask(server: &Server, body: &str) -> Answer {
    post(server.address, "/check-tls", JSON, body.as_bytes())
}

#[test]
fn good_and_bad_bodies() {
    let server = Server::start(|_| {});
    let with = |further: &str| format!(r#"{{"host":"{HOST}","port":443{further}}}"#);
    let nested = |depth| format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
    let host = |host: &str| format!(r#"{{"host":{host},"port":443}}"#);
    let port = |port: &str| format!(r#"{{"host":"{HOST}","port":{port}}}"#);
    let cases = [
        (with(""), "TARGET_NOT_ALLOWED", HOST, "a good request"),
        (with(r#","expected_ip":"""#), "TARGET_NOT_ALLOWED", HOST, "an empty address"),
        (with(r#","expected_ip":null"#), "TARGET_NOT_ALLOWED", HOST, "no address"),
        (with(r#","expected_ip":" ""#), "INVALID_IP", r#"is " ""#, "a blank"),
        (with(r#","expected_ip":7"#), "INVALID_IP", "is 7;", "a number for an address"),
        (with(&nested(100_000)), "TARGET_NOT_ALLOWED", HOST, "nested, and never followed"),
        (host(&"[".repeat(100_000)), "INVALID_REQUEST", "not JSON", "nested without end"),
        (with(r#","port":443"#), "INVALID_REQUEST", "duplicate", "one of two"),
        (port("443.0"), "TARGET_NOT_ALLOWED", HOST, "an integer to JSON"),
        (port("1e400"), "INVALID_PORT", "is 1e400;", "beyond every number"),
        (port(&"9".repeat(100_000)), "INVALID_PORT", "…", "digits without end"),
        (port("null"), "INVALID_REQUEST", "missing or null", "no port"),
        (host("null"), "INVALID_REQUEST", "missing or null", "no host"),
        (host(r#""\u0000""#), "INVALID_REQUEST", "", "a character that no name has"),
        (format!(r#"["{HOST}",443]"#), "INVALID_REQUEST", "object", "no object"),
        (String::new(), "INVALID_REQUEST", "the body is empty", "nothing"),
    ];
    for (body, code, said, why) in cases {
        let answer = ask(&server, &body);
        assert_eq!(answer.code(), code, "{why}: {answer:?}");
        assert!(answer.message().contains(said), "{why}: {}", answer.message());
    }
}
