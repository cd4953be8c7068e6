//! Who may have a server's TLS checked, and at which cost.

use std::time::Duration;

use port_checker_server::Allowance;
use port_checker_testbed::{
    http::{Answer, JSON, check_ports, post},
    ports::{Held, LOOPBACK, Refusing},
};

use crate::server::Server;

fn check_tls(server: &Server, host: &str, port: u16) -> Answer {
    let body = format!(r#"{{"host":"{host}","port":{port}}}"#);
    post(server.address, "/check-tls", JSON, body.as_bytes())
}

/// A deadline shorter than one time-out leaves no time for any handshake.
#[test]
fn a_check_without_time_for_a_handshake_costs_nothing() {
    let server = Server::start(|config| {
        config.deadline = Duration::from_millis(150);
        config.probe.timeout = Duration::from_millis(200);
        config.limits.caller = Allowance { per_minute: 1, burst: 1 };
    });
    for host in ["localhost", "127.0.0.1"] {
        for attempt in 1..=3 {
            let answer = check_tls(&server, host, 443);
            let outcome = (answer.status, answer.code());
            assert_eq!(outcome, (503, "CHECK_FAILED".to_owned()), "{host}, {attempt}: {answer:?}");
            assert!(answer.message().contains("deadline"), "{}", answer.message());
        }
    }
}

#[test]
fn a_lookup_leaves_the_allowance_of_its_caller_as_a_target_alone() {
    let server = Server::start(|config| {
        // Half of it is for the target itself: one probe.
        config.limits.target = Allowance { per_minute: 1, burst: 2 };
    });
    let closed = Refusing::on(LOOPBACK);
    // Names that end in `invalid` have no address (RFC 6761).
    check_tls(&server, "name.invalid", 443);
    let answer = check_ports(server.address, &format!(r#"{{"ports":[{}]}}"#, closed.port()));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn both_kinds_of_check_say_the_same_of_a_malformed_body() {
    let server = Server::start(|_| {});
    let cases = [
        (r#"{"ports":[80],"host":"192.0.2.1","port":1"#, "it ends too early"),
        (r#"{"ports":[80],"host":"192.0.2.1","port":1}}"#, "more behind it"),
        (r#"{ports:[80]}"#, "a key without quotation marks"),
        (r#"[80]"#, "an array"),
        ("", "nothing"),
        ("\u{feff} ", "a byte-order mark alone"),
    ];
    for (body, why) in cases {
        let [ports, tls] = ["/check-ports", "/check-tls"]
            .map(|path| post(server.address, path, JSON, body.as_bytes()));
        assert_eq!(ports.code(), "INVALID_REQUEST", "{why}: {ports:?}");
        assert_eq!(ports.body, tls.body, "{why}: {ports:?} {tls:?}");
    }
}
