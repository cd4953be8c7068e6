//! Every reason of the contract, from a network that behaves so, in both families, near and far.

mod lab;

use std::{
    net::{IpAddr, SocketAddr},
    thread,
};

use port_checker_testbed::skip;
use serde_json::{Value, json};

use lab::{
    Behaviour, CHECKER_RULES, CLOSED, DISTANCES, DROPPED_BY_HOST, DROPPED_BY_ROUTER, HOST,
    HOST_UNREACHABLE, Lab, NETWORK_UNREACHABLE, OPEN, PROHIBITED, REJECTED, REJECTED_BY_HOST,
    RESETS, SAYS_NOTHING, SOMEBODY_ELSES, TCP_RESET_BY_ROUTER, listen,
};

const CHALLENGE: &str = "a challenge of some length";

/// A port, the reason expected, the outcome of the challenge, what was said by ICMP, and why. An open port
/// has no reason.
type Case = (u16, Option<&'static str>, Option<&'static str>, Option<&'static str>, &'static str);

const CASES: [Case; 13] = [
    (OPEN, None, Some("matched"), None, "sends the challenge"),
    (RESETS, Some("reset"), None, None, "accepts and resets"),
    (SOMEBODY_ELSES, Some("challenge_failed"), Some("mismatched"), None, "another service answers"),
    (SAYS_NOTHING, Some("challenge_failed"), Some("silent"), None, "another service waits"),
    (CLOSED, Some("refused"), None, None, "nothing listens"),
    (TCP_RESET_BY_ROUTER, Some("refused"), None, None, "a firewall answers for the host"),
    (REJECTED, Some("refused"), None, Some("port_unreachable"), "the router rejects it"),
    (REJECTED_BY_HOST, Some("refused"), None, Some("port_unreachable"), "the host rejects it"),
    (DROPPED_BY_HOST, Some("timed_out"), None, None, "the host's firewall drops"),
    (DROPPED_BY_ROUTER, Some("timed_out"), None, None, "the router drops"),
    (
        HOST_UNREACHABLE,
        Some("host_unreachable"),
        None,
        Some("host_unreachable"),
        "the router says so",
    ),
    (
        PROHIBITED,
        Some("host_unreachable"),
        None,
        Some("administratively_prohibited"),
        "the router forbids it",
    ),
    (
        NETWORK_UNREACHABLE,
        Some("network_unreachable"),
        None,
        Some("network_unreachable"),
        "the router says so",
    ),
];

/// What the contract shows of a message by ICMP.
fn icmp(message: Option<&str>, from: &str) -> Value {
    message.map_or(Value::Null, |message| json!({"message": message, "from": from}))
}

/// The router before a host, as the checker sees it.
fn router(host: &str) -> &'static str {
    if host.contains(':') { "2001:db8:1::fe" } else { "198.51.100.254" }
}

#[test]
fn every_reason_on_both_families() {
    if !skip::is_root() {
        return;
    }
    thread::scope(|scope| {
        for distance in DISTANCES {
            scope.spawn(move || {
                let lab = Lab::new(distance);
                let service = lab.serve();
                let address = service.address;
                thread::scope(|scope| {
                    for host in HOST {
                        let lab = &lab;
                        scope.spawn(move || every_reason(lab, address, host));
                    }
                });
            });
        }
    });
}

fn every_reason(lab: &Lab, service: SocketAddr, host: &str) {
    let ip: IpAddr = host.parse().expect("an address");
    for (port, behaviour) in [
        (OPEN, Behaviour::Answers(CHALLENGE)),
        (RESETS, Behaviour::Resets),
        (SOMEBODY_ELSES, Behaviour::Answers("SSH-2.0-OpenSSH_9.2")),
        (SAYS_NOTHING, Behaviour::Waits),
    ] {
        lab.host.within(|| listen(ip, port, behaviour));
    }
    let ports = CASES.map(|(port, ..)| port);
    let body = json!({
        "provider_ip": host, "ports": ports, "challenge": CHALLENGE, "verbose": true,
    });
    let answer = lab.ask(service, &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    for (port, reason, challenge, message, why) in CASES {
        let result = &answer.json()["results"][port.to_string()];
        assert_eq!(result["reason"].as_str(), reason, "{host}: {why}: {result}");
        assert_eq!(result["accessible"], reason.is_none(), "{host}: {why}: {result}");
        // Where nothing was accepted, or it was reset, nothing was said.
        let said = result["challenge"].as_str();
        assert!(said == challenge || challenge.is_none(), "{host}: {why}: {result}");
        let from = if port == REJECTED_BY_HOST { host } else { router(host) };
        assert_eq!(result["icmp"], icmp(message, from), "{host}: {why}: {result}");
    }
}

#[test]
fn messages_of_real_routers_about_missing_hosts_and_networks() {
    if !skip::is_root() {
        return;
    }
    let cases = [
        ("203.0.113.77", "host_unreachable", "the router's neighbour does not answer"),
        ("2001:db8:2::77", "host_unreachable", "the router's neighbour does not answer"),
        ("192.0.2.1", "network_unreachable", "the router has no route"),
        ("2001:db8:9::1", "network_unreachable", "the router has no route"),
    ];
    for distance in DISTANCES {
        let lab = Lab::new(distance);
        let service = lab.serve();
        let address = service.address;
        thread::scope(|scope| {
            for (target, reason, why) in cases {
                let lab = &lab;
                scope.spawn(move || {
                    let body = json!({"provider_ip": target, "ports": [80], "verbose": true});
                    let answer = lab.ask(address, &body);
                    assert_eq!(answer.status, 200, "{target}: {why}: {answer:?}");
                    let result = &answer.json()["results"]["80"];
                    assert_eq!(result["reason"], reason, "{target}: {why}: {result}");
                    let said = icmp(Some(reason), router(target));
                    assert_eq!(result["icmp"], said, "{target}: {why}: {result}");
                });
            }
        });
    }
}

/// The same error number as above, but it is the checker's own gateway that does not answer.
#[test]
fn a_dead_gateway_of_the_checkers_own_is_not_the_targets_fault() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(None);
    let service = lab.serve();
    lab.checker.ip(&["route", "replace", "default", "via", "198.51.100.99"]);
    lab.checker.ip(&["-6", "route", "replace", "default", "via", "2001:db8:1::99"]);
    for target in HOST {
        let answer = lab.ask(service.address, &json!({"provider_ip": target, "ports": [OPEN]}));
        assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{target}");
        assert!(answer.message().contains("own firewall or gateway"), "{}", answer.message());
    }
}

/// The checker's own firewall says that the port cannot be reached.
#[test]
fn a_firewall_of_the_checkers_own_that_rejects_is_not_the_targets_fault() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(None);
    lab.checker.firewall(CHECKER_RULES);
    lab.checker.ip(&["route", "add", "blackhole", "192.0.2.0/24"]);
    let service = lab.serve();
    for target in [HOST[0], HOST[1], "192.0.2.1"] {
        let answer = lab.ask(service.address, &json!({"provider_ip": target, "ports": [OPEN]}));
        assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{target}");
    }
}
