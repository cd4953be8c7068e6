//! How much may be asked.

use port_checker_server::{Allowance, Config};
use port_checker_testbed::{
    http::{Answer, check_ports, connect, exchange, metric},
    ports::{Held, LOOPBACK, Listening},
};

use crate::server::Server;

/// A server that lets a caller have 10 ports checked, and a target 6, and gives back one a minute.
fn strict(change: impl FnOnce(&mut Config)) -> Server {
    Server::start(|config| {
        config.limits.caller = Allowance { per_minute: 1, burst: 10 };
        config.limits.target = Allowance { per_minute: 1, burst: 6 };
        config.limits.third_party_cost = 3;
        config.probe.attempts = std::num::NonZeroU32::MIN;
        change(config);
    })
}

fn ask(server: &Server, target: &str, ports: std::ops::Range<u16>) -> Answer {
    let ports: Vec<u16> = ports.collect();
    check_ports(server.address, &format!(r#"{{"provider_ip":"{target}","ports":{ports:?}}}"#))
}

#[test]
fn headers_tell_how_a_caller_stands() {
    let server = strict(|_| {});
    let admitted = ask(&server, "127.0.0.1", 1..5);
    assert_eq!(admitted.status, 200);
    assert_eq!(admitted.header("ratelimit"), Some(r#""caller";r=6;t=240, "target";r=2;t=240"#));
    let policy = r#""caller";q=10;w=600, "target";q=6;w=360"#;
    assert_eq!(admitted.header("ratelimit-policy"), Some(policy));
    let refused = ask(&server, "127.0.0.1", 1..4);
    assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(refused.header("retry-after"), Some("60"), "one port comes back a minute");
    assert_eq!(refused.header("ratelimit"), Some(r#""caller";r=6;t=240, "target";r=2;t=240"#));
    assert!(refused.message().contains("2 are left"), "{}", refused.message());
    let series = r#"port_checker_limiter_decisions_total{decision="rejected",limit="target"}"#;
    assert_eq!(metric(server.address, series), 1.0);
}

#[test]
fn a_request_is_charged_whole_or_not_at_all() {
    let server = strict(|_| {});
    assert_eq!(ask(&server, "127.0.0.1", 1..8).status, 429, "seven are more than six");
    assert_eq!(ask(&server, "127.0.0.1", 1..7).status, 200, "and cost nothing");
}

#[test]
fn more_than_ever_fits_is_told_so() {
    let server = strict(|_| {});
    let answer = ask(&server, "127.0.0.1", 1..100);
    assert_eq!(answer.status, 429);
    assert!(answer.message().contains("at most 10 at once"), "{}", answer.message());
}

#[test]
fn third_parties_are_dearer() {
    let server = strict(|_| {});
    let answer = ask(&server, "127.0.0.2", 1..5);
    assert_eq!(answer.status, 429, "four times three is more than ten");
    assert!(answer.message().contains("counts 3 times"), "{}", answer.message());
    assert!(answer.message().contains("at most 3 at once"), "{}", answer.message());
    assert_eq!(ask(&server, "127.0.0.2", 1..4).status, 200, "three times three is not");
    assert_eq!(ask(&server, "127.0.0.1", 1..2).status, 200, "one's own costs one");
}

#[test]
fn what_is_refused_for_another_reason_costs_nothing() {
    let server = strict(|config| {
        config.max_ports = 8;
        config.policy.denied = vec!["127.0.0.9/32".parse().unwrap()];
    });
    let refused = [
        (r#"{"ports":[1,2,3,0]}"#, 422, "a bad port"),
        (r#"{"ports":[1,2,3,4,5,6,7,8,9]}"#, 422, "too many"),
        (r#"{"provider_ip":"127.0.0.9","ports":[1,2,3]}"#, 403, "a denied target"),
        (r#"{"provider_ip":"224.0.0.1","ports":[1,2,3]}"#, 403, "a special target"),
    ];
    for (body, status, why) in refused {
        let answer = check_ports(server.address, body);
        assert_eq!(answer.status, status, "{why}: {answer:?}");
        assert_eq!(answer.header("ratelimit"), None, "{why}");
    }
    assert_eq!(ask(&server, "127.0.0.1", 1..7).status, 200, "the whole allowance is there");
}

#[test]
fn without_limits_there_are_no_headers() {
    let server = strict(|config| {
        config.limits.caller.per_minute = 0;
        config.limits.target.per_minute = 0;
    });
    for _ in 0..5 {
        let answer = ask(&server, "127.0.0.1", 1..9);
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    }
}

#[test]
fn a_forged_header_changes_neither_caller_nor_limits() {
    let server = strict(|_| {});
    let open = Listening::on(LOOPBACK);
    let body = format!(r#"{{"ports":[{}]}}"#, open.port());
    let mut client = connect(server.address);
    for left in (0..6).rev() {
        let forged = format!("X-Forwarded-For: 8.8.8.{left}\r\nForwarded: for=8.8.4.{left}\r\n");
        let answer = exchange(&mut client, &forged, &body).unwrap();
        assert_eq!(answer.json()["success"], true, "the real caller's port: {answer:?}");
        let standing = answer.header("ratelimit").unwrap();
        assert!(standing.contains(&format!(r#""target";r={left};"#)), "{standing}");
    }
    let answer = exchange(&mut client, "X-Forwarded-For: 9.9.9.9\r\n", &body).unwrap();
    assert_eq!(answer.status, 429);
}
