//! Checks over UDP.

use std::net::IpAddr;

use port_checker_probe::Targets;
use port_checker_server::Config;
use port_checker_testbed::{
    datagrams::{Answering, Mute, unused},
    http::{Answer, JSON, check_ports, connect, exchange, metric, post},
    ports::LOOPBACK,
};
use serde_json::{Value, json};

use crate::server::Server;

const CHALLENGE: &str = "correct horse battery staple";

fn once(config: &mut Config) {
    config.probe.attempts = std::num::NonZeroU32::MIN;
}

#[test]
fn ports_of_the_caller_whole_and_line_by_line() {
    let server = Server::start_on("[::]:0", once);
    for ip in ["127.0.0.1", "::1"] {
        let ip: IpAddr = ip.parse().unwrap();
        let address = (ip, server.address.port()).into();
        let open = Answering::with(ip, CHALLENGE);
        let other = Answering::with(ip, "another challenge");
        let (silent, closed) = (Mute::on(ip), unused(1)[0]);
        let ports = [open.port(), other.port(), silent.port(), closed].map(|port| port.get());
        let mut body = json!({"ports": ports, "transport": "udp", "challenge": CHALLENGE});
        let expected = [
            (true, Value::Null),
            (false, json!("Port answered, but not from this caller")),
            (false, json!("Connection timed out")),
            (false, json!("Connection refused")),
        ];
        let answer = check_ports(address, &body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        let whole = answer.json();
        let lines = format!("{JSON}Accept: application/x-ndjson\r\n");
        let lines = post(address, "/check-ports", &lines, body.to_string().as_bytes());
        let lines = String::from_utf8(lines.body).expect("text");
        assert!(lines.contains("Successfully verified 1 out of 4 ports\"}\n"), "{lines}");
        for (port, (accessible, error)) in ports.iter().zip(&expected) {
            let result = json!({"accessible": accessible, "error": error});
            assert_eq!(whole["results"][port.to_string()], result, "{ip}: no other field");
            let line = json!({"port": port, "accessible": accessible, "error": error});
            let mut lines = lines.lines().map(serde_json::from_str::<Value>);
            assert!(lines.any(|it| it.is_ok_and(|it| it == line)), "{ip}: {line}");
        }
        body["verbose"] = true.into();
        let verbose = check_ports(address, &body.to_string()).json();
        let details = ports.map(|port| verbose["results"][port.to_string()].clone());
        let reasons = details.clone().map(|result| result["reason"].clone());
        assert_eq!(json!(reasons), json!([null, "challenge_failed", "timed_out", "refused"]));
        let challenges = details.clone().map(|result| result["challenge"].clone());
        assert_eq!(json!(challenges), json!(["matched", "mismatched", null, null]));
        let icmp = json!({"message": "port_unreachable", "from": ip});
        assert_eq!(details[3]["icmp"], icmp);
    }
}

#[test]
fn requests_that_are_not_good() {
    let server = Server::start(once);
    let cases = [
        (json!({"transport": "udp"}), "INVALID_REQUEST", "challenge is missing or null", "none"),
        (json!({"transport": "udp", "challenge": null}), "INVALID_REQUEST", "required", "null"),
        (json!({"transport": "udp", "challenge": "x"}), "INVALID_CHALLENGE", "16", "too short"),
        (json!({"transport": "sctp"}), "INVALID_REQUEST", "'sctp'; expected 'tcp'", "another"),
        (json!({"transport": "UDP"}), "INVALID_REQUEST", "'UDP'; expected 'tcp'", "upper case"),
        (json!({"transport": 17}), "INVALID_REQUEST", "transport is 17", "a number"),
    ];
    for (mut body, code, message, why) in cases {
        body["ports"] = json!([7466]);
        let answer = check_ports(server.address, &body.to_string());
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{why}");
        assert!(answer.message().contains(message), "{why}: {}", answer.message());
    }
    for transport in [json!(null), json!("tcp")] {
        let body = json!({"ports": [], "transport": transport}).to_string();
        assert_eq!(check_ports(server.address, &body).status, 200, "{transport}");
    }
}

/// The answer about a port of `target` to `caller`, which a proxy at 127.0.0.1 names.
fn ask_as(server: &Server, caller: &str, target: &str) -> Answer {
    let port = unused(1)[0];
    let body = json!({
        "provider_ip": target, "ports": [port], "transport": "udp", "challenge": CHALLENGE,
    });
    let headers = format!("X-Forwarded-For: {caller}\r\n");
    exchange(&mut connect(server.address), &headers, &body.to_string()).expect("an answer")
}

#[test]
fn nobody_elses_address_in_any_configuration() {
    type Change = fn(&mut Config);
    const PROXY: &str = "127.0.0.1/32";
    let changes: [(Change, &str); 5] = [
        (|_| {}, "the default"),
        (|config| config.policy.targets = Targets::Any, "any target"),
        (|config| config.policy.targets = Targets::Caller, "the caller's own"),
        (|config| config.policy.allowed = vec!["0.0.0.0/0".parse().unwrap()], "all admitted"),
        (|config| config.limits.third_party_cost = 1, "strangers cost no more"),
    ];
    for (change, why) in changes {
        for is_trusted in [false, true] {
            let server = Server::start(|config| {
                once(config);
                change(config);
                if is_trusted {
                    config.trusted_proxies = vec![PROXY.parse().unwrap()];
                }
            });
            let (spoken_for, peer) = ("127.0.0.2", "127.0.0.1");
            let (own, other) = if is_trusted { (spoken_for, peer) } else { (peer, spoken_for) };
            for target in [other, "127.0.0.3", "::1"] {
                let answer = ask_as(&server, spoken_for, target);
                let refused = (answer.status, answer.code());
                assert_eq!(refused, (403, "TARGET_NOT_ALLOWED".into()), "{why}: {target}");
                let message = answer.message();
                assert!(
                    message.contains(&format!("your own address, which is {own}")),
                    "{message}"
                );
            }
            assert_eq!(ask_as(&server, spoken_for, own).status, 200, "{why}: {own}");
            let mapped = format!("::ffff:{own}");
            assert_eq!(ask_as(&server, spoken_for, &mapped).status, 200, "{why}: {mapped}");
        }
    }
}

#[test]
fn a_refused_check_costs_nothing_and_others_cost_as_over_tcp() {
    let server = Server::start(|config| {
        once(config);
        config.limits.caller.burst = 10;
        config.limits.caller.per_minute = 1;
    });
    let ask = |target: &str, count: usize| {
        let body = json!({
            "provider_ip": target, "ports": unused(count), "transport": "udp", "challenge": CHALLENGE,
        });
        check_ports(server.address, &body.to_string())
    };
    assert_eq!(ask("127.0.0.9", 6).status, 403);
    assert_eq!(ask("127.0.0.1", 6).status, 200);
    assert_eq!(ask("127.0.0.1", 6).status, 429);
    assert_eq!(ask("127.0.0.1", 4).status, 200);
}

#[test]
fn udp_has_series_of_its_own() {
    let server = Server::start(once);
    let noisy = Answering::by(LOOPBACK, |question| {
        let other = port_checker_api::UdpQuestion { token: [0; 16] };
        vec![other.answered(b"x"), b"hello".to_vec(), question.answered(CHALLENGE.as_bytes())]
    });
    let ports = [noisy.port(), unused(1)[0]];
    let body = json!({"ports": ports, "transport": "udp", "challenge": CHALLENGE}).to_string();
    assert_eq!(check_ports(server.address, &body).status, 200);
    let expected = [
        (r#"port_checker_udp_verdicts_total{family="ipv4",verdict="open"}"#, 1.0),
        (r#"port_checker_udp_verdicts_total{family="ipv4",verdict="refused"}"#, 1.0),
        (r#"port_checker_udp_verdicts_total{family="ipv6",verdict="open"}"#, 0.0),
        ("port_checker_udp_probe_duration_seconds_count ", 2.0),
        (r#"port_checker_udp_datagrams_ignored_total{cause="unmatched"}"#, 1.0),
        (r#"port_checker_udp_datagrams_ignored_total{cause="malformed"}"#, 1.0),
        (r#"port_checker_udp_datagrams_ignored_total{cause="foreign"}"#, 0.0),
        (r#"port_checker_verdicts_total{family="ipv4",verdict="open"}"#, 0.0),
        ("port_checker_probe_duration_seconds_count ", 0.0),
        ("port_checker_probes_in_flight ", 0.0),
    ];
    // Read twice: what was counted is not counted again.
    for _ in 0..2 {
        for (series, value) in expected {
            assert_eq!(metric(server.address, series), value, "{series}");
        }
    }
}

/// The caller's own address and its ports are judged as over TCP.
#[test]
fn the_policy_holds_over_udp_too() {
    let server = Server::start(|config| {
        once(config);
        config.policy.ports = "1024-65535".parse().unwrap();
    });
    let ask = |server: &Server, port: u16| {
        let body = json!({"ports": [port], "transport": "udp", "challenge": CHALLENGE});
        check_ports(server.address, &body.to_string())
    };
    assert_eq!(ask(&server, unused(1)[0].get()).status, 200);
    let refused = ask(&server, 53);
    assert_eq!((refused.status, refused.code().as_str()), (403, "TARGET_NOT_ALLOWED"));
    let server = Server::start(|config| config.policy.allow_local = false);
    let refused = ask(&server, unused(1)[0].get());
    assert_eq!((refused.status, refused.code().as_str()), (403, "TARGET_NOT_ALLOWED"));
}
