//! A provider at home, behind a router.

use std::{thread, time::Duration};

use port_checker_testbed::{
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
    skip,
};

use crate::program::repository;

use super::internet::{
    CHECKER, Internet, Report, attach, attach_far, greet, machine, masquerading_router,
};

/// What the router does with its ports.
const FORWARDS: &str = "
table ip forwards {
    chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr 203.0.113.7 tcp dport { 1002, 1005, 1007, 1008 } dnat to 192.168.1.10
        ip daddr 203.0.113.7 tcp dport { 1003, 1004 } dnat to 192.168.2.20
        ip daddr 203.0.113.7 tcp dport 7466 dnat to 192.168.1.10
        ip daddr 203.0.113.7 tcp dport 50800-50849 dnat to 192.168.2.20
    }
}
table inet filter {
    chain input {
        type filter hook input priority filter
        tcp dport { 1001, 50850-50899 } drop
        tcp dport 1006 reject with icmpx admin-prohibited
    }
}
";

/// What the provider's own machine does.
const HERE: &str = "
table inet filter {
    chain input {
        type filter hook input priority filter
        tcp dport 1005 drop
    }
    chain output {
        type filter hook output priority filter
        tcp sport 1007 drop
    }
}
";

/// What the provider asks about, and what it should be told.
const CASES: [(u16, &str, &str, i32); 8] = [
    (
        1001,
        "timed out, and nothing arrived here",
        "Nothing came to any interface of this machine, so its firewall is not the cause. Let the router \
         forward TCP to 192.168.1.10 (this machine)",
        1,
    ),
    (1002, "reachable, proven ours", "This machine is behind NAT, and forwarding works.", 0),
    (1003, "refused", "The router forwards to a machine or a port", 1),
    (
        1004,
        "another host answered",
        "The address or the forward leads to another machine, or to a service of the router itself. \
         Let the router forward TCP to 192.168.1.10 (this machine).",
        1,
    ),
    (
        1005,
        "this machine's firewall blocks it; it arrived at",
        "and a firewall on this machine stops them",
        1,
    ),
    (1006, "rejected on the way", "Look for a rule that rejects them in your router", 1),
    (
        1007,
        "it arrived here, but our answers do not get out",
        "The answers did not leave this machine: look for a firewall rule about outgoing packets here.",
        1,
    ),
    (1009, "refused", "Let it forward TCP to the same port of 192.168.1.10 (this machine).", 1),
];

/// Round trips between the router and the Internet: a cable, and a long line.
const DISTANCES: [Option<Duration>; 2] = [None, Some(Duration::from_millis(100))];

struct Home {
    _line: Option<LongLine>,
    provider: Namespace,
    _neighbour: Namespace,
    _router: Namespace,
    _checker: Service,
    _internet: Internet,
}

impl Home {
    fn new(round_trip: Option<Duration>) -> Self {
        const OUTSIDE: [&str; 1] = ["203.0.113.7/24"];
        const GATEWAY: [&str; 1] = ["203.0.113.254/24"];
        let internet = Internet::new();
        let (router, provider, neighbour) = (masquerading_router(), machine(), machine());
        let line = round_trip.map(|round_trip| {
            let line = Line::with_round_trip(round_trip, 0.0);
            attach_far(&router, &OUTSIDE, &internet.backbone, &GATEWAY, line)
        });
        if line.is_none() {
            attach(&router, &OUTSIDE, &internet.backbone, &GATEWAY);
        }
        attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
        attach(&neighbour, &["192.168.2.20/24"], &router, &["192.168.2.1/24"]);
        router.firewall(FORWARDS);
        provider.firewall(HERE);
        greet(&neighbour, "192.168.2.20:1004");
        let checker = internet.serve();
        Self {
            _line: line,
            provider,
            _neighbour: neighbour,
            _router: router,
            _checker: checker,
            _internet: internet,
        }
    }

    fn verify(&self, arguments: &str) -> Report {
        Report::of(&self.provider, &format!("verify {arguments} --server {CHECKER}"))
    }
}

#[test]
fn treatments_of_a_port_by_a_home_router() {
    if !skip::is_root() {
        return;
    }
    thread::scope(|scope| {
        for distance in DISTANCES {
            scope.spawn(move || every_case(&Home::new(distance), distance));
        }
    });
}

fn every_case(home: &Home, distance: Option<Duration>) {
    for (port, verdict, advice, status) in CASES {
        let report = home.verify(&port.to_string());
        let text = report.flowing();
        assert!(
            text.contains(&format!("{port} {verdict}")),
            "{port} over {distance:?}: {}",
            report.text
        );
        assert!(text.contains(advice), "{port} over {distance:?}: {}", report.text);
        let nat =
            if status == 0 { "behind NAT" } else { "Behind NAT: the address checked, 203.0.113.7" };
        assert!(text.contains(nat), "{port} over {distance:?}: {}", report.text);
        assert_eq!(report.status, Some(status), "{port} over {distance:?}: {}", report.text);
    }
}

#[test]
fn the_facts_name_the_router_that_rejects() {
    if !skip::is_root() {
        return;
    }
    let report = Home::new(None).verify("1006 --json");
    let said = r#""icmp": { "message": "administratively_prohibited", "from": "203.0.113.7" }"#;
    assert!(report.flowing().contains(said), "{}", report.text);
}

#[test]
fn a_hundred_ports_as_the_readme_shows_them() {
    if !skip::is_root() {
        return;
    }
    let report = Home::new(None).verify("7466 50800-50899");
    assert_eq!(report.status, Some(1), "{}", report.text);
    insta::assert_snapshot!("a_hundred_ports", report.text);
    assert!(readme().contains(&report.text), "{}", report.text);
}

#[test]
fn without_a_checker_as_the_readme_shows_it() {
    if !skip::is_root() {
        return;
    }
    let report = Report::of(&machine(), "verify 7466 50800-50899 --local");
    assert_eq!(report.status, Some(0), "{}", report.text);
    insta::assert_snapshot!("loopback", report.text);
    assert!(readme().contains(&report.text), "{}", report.text);
}

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).expect("there is a README")
}
