//! Attempts that come out differently: an answer outweighs silence, and success everything.

use std::{net::SocketAddr, ops::Range, time::Duration};

use port_checker_testbed::{
    skip,
    targets::{Conduct, Targets},
};
use serde_json::{Value, json};

use super::lab::{Lab, V4, V6};

const CHALLENGE: &str = "a challenge of some length";

/// The first packet to a port of the first range is answered with a RST, and no other; of the second range
/// with a RST, and the others by a listener.
const RULES: &str = "
table inet fickle {
    set known { type inet_service; flags dynamic; }
    chain input {
        type filter hook input priority filter
        tcp dport 1000-1099 tcp dport @known drop
        tcp dport 1100-1199 tcp flags syn tcp dport != @known add @known { tcp dport } reject with tcp reset
        tcp dport 1000-1099 add @known { tcp dport }
    }
}";

const REFUSED_ONCE: Range<u16> = 1000..1100;
const OPEN_LATER: Range<u16> = 1100..1200;

/// The results of all ports of a range.
fn results(lab: &Lab, service: SocketAddr, host: &str, ports: Range<u16>) -> Vec<Value> {
    let ports: Vec<u16> = ports.collect();
    let body = json!({"provider_ip": host, "ports": ports, "verbose": true});
    let (answer, _) = lab.ask(service, &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    ports.iter().map(|port| answer["results"][port.to_string()].clone()).collect()
}

#[test]
fn an_answer_outweighs_silence_and_success_outweighs_both() {
    if !skip::is_root() {
        return;
    }
    std::thread::scope(|scope| {
        for host in [V4, V6] {
            scope.spawn(move || {
                let lab = Lab::new(Duration::from_millis(100), 0.0);
                lab.host.firewall(RULES);
                let _open = Targets::listen(&lab.host, OPEN_LATER, Conduct::Keep);
                let service = lab.serve(&[]);
                for result in results(&lab, service.address, host, OPEN_LATER) {
                    assert_eq!(result["accessible"], true, "{host}: {result}");
                    assert_eq!(result["attempts"], 2, "{host}: {result}");
                }
                for result in results(&lab, service.address, host, REFUSED_ONCE) {
                    assert_eq!(result["reason"], "refused", "{host}: {result}");
                    assert_eq!(result["attempts"], 3, "{host}: {result}");
                }
            });
        }
    });
}

/// Linux sends a host about one message by ICMP a second, and some at once at first (icmp(7)): most of what a
/// router rejects is silent. No message is taken for another port's.
#[test]
fn a_host_that_rejects_more_than_it_may_say() {
    const REJECTED: Range<u16> = 2000..2100;
    const RULES: &str = "
table inet rejects {
    chain input {
        type filter hook input priority filter
        tcp dport 2000-2099 reject with icmpx port-unreachable
    }
}";
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::from_millis(100), 0.0);
    lab.host.firewall(RULES);
    let service = lab.serve(&[]);
    for host in [V4, V6] {
        let results = results(&lab, service.address, host, REJECTED);
        let (refused, silent): (Vec<_>, Vec<_>) =
            results.into_iter().partition(|result| result["reason"] == "refused");
        assert!(!refused.is_empty(), "{host}: {silent:?}");
        let said = json!({"message": "port_unreachable", "from": host});
        for result in &refused {
            assert_eq!(result["icmp"], said, "{host}: {result}");
        }
        for result in &silent {
            assert_eq!(result["reason"], "timed_out", "{host}: {result}");
            assert_eq!(result["icmp"], Value::Null, "{host}: {result}");
        }
    }
}

/// RFC 1122, section 4.2.3.9: such a message ends no connection that stands. The kernel does not keep who sent
/// it.
#[test]
fn a_message_about_an_established_connection_does_not_end_the_attempt() {
    const PORTS: Range<u16> = 1200..1220;
    const RULES: &str = "
table inet hesitates {
    set known { type inet_service; flags dynamic; }
    chain input {
        type filter hook input priority filter
        tcp flags & syn == 0 tcp dport != @known add @known { tcp dport } reject with icmpx admin-prohibited
    }
}";
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::from_millis(100), 0.0);
    lab.host.sysctl("net.ipv4.icmp_ratelimit=0");
    lab.host.sysctl("net.ipv6.icmp.ratelimit=0");
    lab.host.firewall(RULES);
    let _open = Targets::listen(&lab.host, PORTS, Conduct::Say(CHALLENGE));
    let service = lab.serve(&[("PORT_CHECK_RETRIES", "1")]);
    for (host, ports) in [(V4, 1200..1210), (V6, 1210..1220)] {
        let ports: Vec<u16> = ports.collect();
        let body = json!({
            "provider_ip": host, "ports": ports, "verbose": true, "challenge": CHALLENGE,
        });
        let (answer, _) = lab.ask(service.address, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        for port in ports {
            let result = &answer.json()["results"][port.to_string()];
            assert_eq!(result["challenge"], "matched", "{host}: {result}");
        }
    }
}
