//! UDP ports far away, over lines that lose packets.

use std::{
    net::Ipv6Addr,
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{
    datagrams::Answering,
    http::{connect, exchange},
    skip,
};
use serde_json::json;

use super::lab::{Lab, V4, V6};

const CHALLENGE: &str = "correct horse battery staple";

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// When the last attempt at a port that never answers is over, and three round trips.
const MOST: Duration = Duration::from_millis(7_300);

/// The first of as many ports that drop what comes, and of those behind which a program answers.
const SILENT: u16 = 10_000;
const OPEN: u16 = 20_000;
const EACH: u16 = 500;

/// Ports behind which one program answers: the kernel's buffer holds a datagram to each of them, even if it gets no
/// processor meanwhile.
const PORTS_PER_PROGRAM: u16 = 50;

/// The programs of a host, and the silent ports.
fn programs(lab: &Lab) -> Vec<Answering> {
    let open = (OPEN..OPEN + 2 * EACH).step_by(PORTS_PER_PROGRAM.into());
    let (mut programs, mut redirects) = (Vec::new(), String::new());
    for first in open {
        let last = first + PORTS_PER_PROGRAM - 1;
        let any = Ipv6Addr::UNSPECIFIED.into();
        let program = lab.host.within(|| Answering::with(any, CHALLENGE));
        redirects += &format!("udp dport {first}-{last} redirect to :{}\n", program.port());
        programs.push(program);
    }
    lab.host.firewall(&format!(
        "table inet datagrams {{
            chain arriving {{
                type nat hook prerouting priority dstnat
                {redirects}
            }}
            chain input {{
                type filter hook input priority filter
                udp dport 10000-10999 drop
            }}
        }}"
    ));
    programs
}

/// A port is found open exactly if the line let an answer through, and that in time.
fn a_thousand_ports(loss: f64) {
    let lab = Lab::new(ROUND_TRIP, loss);
    let _programs = programs(&lab);
    let service = lab.serve(&[("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1")]);
    // A host's own connection to the checker would lose packets too: a proxy beside the checker speaks for it.
    let ask = |host: &str, first: u16| {
        let open = OPEN + first..OPEN + first + EACH;
        let silent = SILENT + first..SILENT + first + EACH;
        let ports: Vec<u16> = open.clone().chain(silent).collect();
        let body = json!({"ports": ports, "transport": "udp", "challenge": CHALLENGE}).to_string();
        let header = format!("X-Forwarded-For: {host}\r\n");
        let began = Instant::now();
        let answer = lab
            .checker
            .within(|| exchange(&mut connect(service.address), &header, &body).expect("an answer"));
        let took = began.elapsed();
        assert_eq!(answer.status, 200, "{host}: {answer:?}");
        assert!(took <= MOST, "{host}: {took:?}");
        let (answer, mut found) = (answer.json(), 0);
        for port in ports {
            let accessible = open.contains(&port) && lab.line.first_answer(port).is_some();
            let error = if accessible { json!(null) } else { json!("Connection timed out") };
            let result = &answer["results"][port.to_string()];
            assert_eq!(*result, json!({"accessible": accessible, "error": error}), "{host} {port}");
            found += u16::from(accessible);
        }
        found
    };
    thread::scope(|scope| {
        let asking = [(V4, 0), (V6, EACH)].map(|(host, first)| {
            let ask = &ask;
            (host, scope.spawn(move || ask(host, first)))
        });
        for (host, asking) in asking {
            let found = asking.join().expect("no panic");
            // Of three attempts, each of which loses the question or the answer.
            let attempt = 1.0 - (1.0 - loss).powi(2);
            let least = f64::from(EACH) * (1.0 - attempt.powi(3)) - 50.0 * loss.min(1.0);
            assert!(f64::from(found) >= least.floor(), "{host}: {found} of {EACH}");
        }
    });
    lab.nothing_overflowed();
}

#[test]
fn a_line_that_loses_nothing() {
    if skip::is_root() {
        a_thousand_ports(0.0);
    }
}

#[test]
fn a_line_that_loses_a_tenth() {
    if skip::is_root() {
        a_thousand_ports(0.1);
    }
}

#[test]
fn a_line_that_loses_half() {
    if skip::is_root() {
        a_thousand_ports(0.5);
    }
}
