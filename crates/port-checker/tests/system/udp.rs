//! Checks over UDP, as the operator and the network see them.

use port_checker_testbed::{
    datagrams::{Answering, unused},
    http::{JSON, check_ports, post},
    namespace::Namespace,
    ports::LOOPBACK,
    process::Service,
    skip,
};
use serde_json::json;

use crate::program::{PORT_CHECKER, configure, port_checker};

mod attackers;
mod egress;
mod forgers;

const CHALLENGE: &str = "correct horse battery staple";

/// Ports that are asked about, and the attempts at each.
const PORTS: u64 = 300;
const ATTEMPTS: u64 = 3;

/// A question, the header of UDP and that of IP, in bytes.
const QUESTION: u64 = 160;
const PACKET_V4: u64 = QUESTION + 8 + 20;
const PACKET_V6: u64 = QUESTION + 8 + 40;

/// Counts and drops what comes for the silent ports, and counts all other UDP.
const FIREWALL: &str = "
    table inet silent {
        counter v4 {}
        counter v6 {}
        counter others {}
        chain input {
            type filter hook input priority 0;
            ip daddr 127.0.0.1 udp dport 1-2000 counter name v4 drop
            ip6 daddr ::1 udp dport 1-2000 counter name v6 drop
            meta l4proto udp counter name others
        }
    }
";

#[test]
fn one_datagram_of_160_bytes_for_each_attempt_and_none_for_another_address() {
    if !skip::is_root() || !skip::has("nft", "--version") {
        return;
    }
    let machine = Namespace::new();
    machine.firewall(FIREWALL);
    let settings = [
        ("PORT_CHECKER_HOST", "::"),
        ("PORT_CHECKER_TARGETS", "any"),
        ("PORT_CHECK_RETRIES", "3"),
        ("PORT_CHECK_RETRY_DELAY", "0.1"),
        ("PORT_CHECK_TIMEOUT", "0.5"),
    ];
    let mut command = machine.command(PORT_CHECKER, &["serve"]);
    configure(&mut command, &settings);
    let checker = Service::start(&mut command);
    let ports: Vec<u64> = (1..=PORTS).collect();
    let ask = |from: &str, target: &str| {
        let address = (from.parse::<std::net::IpAddr>().unwrap(), checker.address.port()).into();
        let body = json!({
            "provider_ip": target, "ports": ports, "transport": "udp", "challenge": CHALLENGE,
        });
        machine.within(|| check_ports(address, &body.to_string())).status
    };
    assert_eq!(ask("127.0.0.1", "127.0.0.77"), 403);
    assert_eq!(ask("127.0.0.1", "::1"), 403);
    assert_eq!(ask("::1", "127.0.0.1"), 403);
    for counter in ["v4", "v6", "others"] {
        assert_eq!(machine.counter("silent", counter), (0, 0), "{counter}: nothing is sent");
    }
    assert_eq!(ask("127.0.0.1", "127.0.0.1"), 200);
    let packets = PORTS * ATTEMPTS;
    assert_eq!(machine.counter("silent", "v4"), (packets, packets * PACKET_V4));
    assert_eq!(ask("::1", "::1"), 200);
    assert_eq!(machine.counter("silent", "v6"), (packets, packets * PACKET_V6));
    assert_eq!(machine.counter("silent", "others"), (0, 0), "nobody else gets any");
}

#[test]
fn the_log_says_the_transport_and_nothing_that_was_sent() {
    const SECRET: &str = "root:hunter2 root:hunter2";
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECKER_DEBUG", "true"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECK_TIMEOUT", "0.5"),
    ];
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    let mismatching = Answering::with(LOOPBACK, SECRET);
    let malformed = Answering::by(LOOPBACK, |_| vec![SECRET.as_bytes().to_vec()]);
    let ports = [mismatching.port(), malformed.port(), unused(1)[0]];
    let body = json!({
        "ports": ports, "transport": "udp", "challenge": CHALLENGE, "verbose": true,
    });
    let lines = format!("{JSON}Accept: application/x-ndjson\r\n");
    let mut said = Vec::new();
    for headers in [JSON, &lines] {
        let answer = post(service.address, "/check-ports", headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        said.push(String::from_utf8(answer.body).expect("JSON is text"));
    }
    check_ports(service.address, &json!({"ports": ports}).to_string());
    let line = service.wait_for_line("checked");
    assert!(line.contains(" transport=\"udp\" "), "{line}");
    let other = json!({
        "provider_ip": "127.0.0.9", "ports": ports, "transport": "udp", "challenge": CHALLENGE,
    });
    assert_eq!(check_ports(service.address, &other.to_string()).status, 403);
    let (_, log) = service.finish();
    let has = |words: &[&str]| log.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(has(&["rejected", "target=127.0.0.9", " transport=\"udp\" "]), "{log:#?}");
    assert!(has(&["checked", " transport=\"tcp\" "]), "{log:#?}");
    assert!(has(&["judged", "udp", "challenge_failed"]), "{log:#?}");
    said.extend(log);
    for text in said {
        for word in ["hunter2", "root", CHALLENGE] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}
