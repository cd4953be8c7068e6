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

/// When the last attempt at a port is over: three that overlap, of which the first two may be refused a round trip
/// after they began; and what a busy machine takes more.
const MOST: Duration = Duration::from_millis(7_000 + 2 * 100 + 400);

/// The first of the ports that drop what comes, of those behind which a program answers, and of those that reject;
/// and how many of each family there are.
const SILENT: u16 = 10_000;
const OPEN: u16 = 20_000;
const REJECTING: u16 = 30_000;
const OPEN_COUNT: u16 = 500;
const OTHER_COUNT: u16 = 250;

/// Ports behind which one program answers: the kernel's buffer holds a datagram to each of them, even if it gets no
/// processor meanwhile.
const PORTS_PER_PROGRAM: u16 = 50;

/// The programs of a host, and the ports that are silent or reject, each time.
fn programs(lab: &Lab) -> Vec<Answering> {
    let open = (OPEN..OPEN + 2 * OPEN_COUNT).step_by(PORTS_PER_PROGRAM.into());
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
                udp dport 30000-30999 reject with icmpx port-unreachable
            }}
        }}"
    ));
    // Hosts send only some messages a second, unless they are told otherwise.
    lab.host.sysctl("net.ipv4.icmp_ratemask=0");
    lab.host.sysctl("net.ipv6.icmp.ratemask=");
    programs
}

/// A port is found open or refused exactly if the line let an answer or a message through, and that in time.
fn a_thousand_ports(loss: f64) {
    let lab = Lab::new(ROUND_TRIP, loss);
    let _programs = programs(&lab);
    let service = lab.serve(&[("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1")]);
    // A host's own connection to the checker would lose packets too: a proxy beside the checker speaks for it.
    let ask = |host: &str, index: u16| {
        let of = |first: u16, count: u16| first + index * count..first + (index + 1) * count;
        let (open, rejecting) = (of(OPEN, OPEN_COUNT), of(REJECTING, OTHER_COUNT));
        let all = open.clone().chain(of(SILENT, OTHER_COUNT)).chain(rejecting.clone());
        let ports: Vec<u16> = all.collect();
        let body = json!({"ports": ports, "transport": "udp", "challenge": CHALLENGE}).to_string();
        let header = format!("X-Forwarded-For: {host}\r\n");
        let began = Instant::now();
        let answer = lab
            .checker
            .within(|| exchange(&mut connect(service.address), &header, &body).expect("an answer"));
        let took = began.elapsed();
        assert_eq!(answer.status, 200, "{host}: {answer:?}");
        assert!(took <= MOST, "{host}: {took:?}");
        let (answer, mut found) = (answer.json(), [0, 0]);
        for port in ports {
            let was_heard = lab.line.first_answer(port).is_some();
            let is_open = was_heard && open.contains(&port);
            let is_refused = was_heard && rejecting.contains(&port);
            let error = match (is_open, is_refused) {
                (true, _) => json!(null),
                (_, true) => json!("Connection refused"),
                _ => json!("Connection timed out"),
            };
            let result = &answer["results"][port.to_string()];
            assert_eq!(*result, json!({"accessible": is_open, "error": error}), "{host} {port}");
            found[0] += u16::from(is_open);
            found[1] += u16::from(is_refused);
        }
        found
    };
    thread::scope(|scope| {
        let asking = [(V4, 0), (V6, 1)].map(|(host, index)| {
            let ask = &ask;
            (host, scope.spawn(move || ask(host, index)))
        });
        for (host, asking) in asking {
            let found = asking.join().expect("no panic");
            // Of three attempts, each of which loses the question or what comes back.
            let attempt = 1.0 - (1.0 - loss).powi(2);
            for (found, all) in found.into_iter().zip([OPEN_COUNT, OTHER_COUNT]) {
                let least = f64::from(all) * (1.0 - attempt.powi(3)) - 50.0 * loss.min(1.0);
                assert!(f64::from(found) >= least.floor(), "{host}: {found} of {all}");
            }
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
