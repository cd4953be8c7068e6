//! Packets of a run among those of others: of strangers at the same ports, and of a busy network.

use std::{
    net::SocketAddr,
    ops::RangeInclusive,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{injector::Injector, namespace::Namespace, process::Service, skip};
use serde_json::Value;

use super::internet::{CHECKER, Internet, Report};

const PORTS: &str = "20000-20039";
const OPEN: RangeInclusive<u64> = 20_000..=20_019;
const PROVIDER: &str = "203.0.113.9";
const STRANGER: &str = "198.18.0.66";

/// How often the sender looks whether packets are due.
const TICK: Duration = Duration::from_millis(1);

/// A provider on the Internet, whose backbone carries what a stranger sends.
struct Laboratory {
    provider: Namespace,
    stranger: Injector,
    _checker: Service,
    internet: Internet,
}

impl Laboratory {
    fn new() -> Self {
        let internet = Internet::new();
        let stranger = Injector::into(&internet.backbone, &["198.18.0.1/24"]);
        let provider = internet.data_centre();
        let checker = internet.serve();
        Self { provider, stranger, _checker: checker, internet }
    }

    /// Verifies while packets are sent at a rate; each is given its number.
    fn verify_among(&self, per_second: u32, send: impl Fn(&Injector, u32) + Send) -> Value {
        let (finished, stranger) = (AtomicBool::new(false), &self.stranger);
        thread::scope(|scope| {
            let finished = &finished;
            scope.spawn(move || {
                let (began, mut sent) = (Instant::now(), 0);
                while !finished.load(Ordering::Relaxed) {
                    let due = began.elapsed().as_millis() * u128::from(per_second) / 1000;
                    while u128::from(sent) < due {
                        send(stranger, sent);
                        sent += 1;
                    }
                    thread::sleep(TICK);
                }
            });
            let command = format!("verify {PORTS} --json --family 4 --server {CHECKER}");
            let report = Report::of(&self.provider, &command);
            finished.store(true, Ordering::Relaxed);
            report.json()["families"][0].clone()
        })
    }
}

fn address(ip: &str, port: u32) -> SocketAddr {
    SocketAddr::new(ip.parse().expect("an address"), u16::try_from(port).expect("a port"))
}

/// A datagram or a SYN to the ports of the run or to others, by turns.
fn other_traffic(injector: &Injector, number: u32) {
    let from = address(STRANGER, 40_000 + number % 20_000);
    let to = |first| address(PROVIDER, first + number / 4 % 40);
    match number % 4 {
        0 => injector.datagram(from, to(30_000), &[0; 400]),
        1 => injector.datagram(from, to(20_000), &[0; 400]),
        2 => injector.syn(from, to(30_000)),
        _ => injector.syn(from, to(20_000)),
    }
}

fn is_open(port: &Value) -> bool {
    OPEN.contains(&port["port"].as_u64().expect("a number"))
}

fn peers(port: &Value) -> Vec<&str> {
    let peers = port["sights"]["peers"].as_array().expect("they were watched");
    peers.iter().filter_map(|peer| peer["peer"].as_str()).collect()
}

#[test]
fn a_run_among_five_thousand_packets_a_second_misses_none_of_its_own_or_says_so() {
    if !skip::is_root() {
        return;
    }
    let laboratory = Laboratory::new();
    laboratory.provider.firewall(
        "table inet filter {\n chain input {\n type filter hook input priority filter\n \
         tcp dport 20020-20039 drop\n }\n}\n",
    );
    let family = laboratory.verify_among(5000, other_traffic);
    let lost = family["watch"]["lost"].as_u64().expect("packets were watched");
    for port in family["ports"].as_array().expect("ports") {
        let expected = if is_open(port) { "proven" } else { "blocked_here" };
        let text = port["advice"].as_str().unwrap_or_default();
        if lost == 0 {
            assert_eq!(port["verdict"], expected, "{port:#}");
            assert!(peers(port).contains(&"198.51.100.1"), "{port:#}");
        }
        assert!(!text.contains("its firewall is not the cause"), "{lost} lost: {port:#}");
    }
}

/// The backbone drops some of the checker's connections, and carries the stranger's to the same ports.
#[test]
fn a_stranger_who_connects_is_not_taken_for_the_checker() {
    if !skip::is_root() {
        return;
    }
    let laboratory = Laboratory::new();
    laboratory.internet.backbone.firewall(
        "table ip filter {\n chain forward {\n type filter hook forward priority filter\n \
         ip saddr 198.51.100.1 tcp dport 20020-20039 drop\n }\n}\n",
    );
    let knock = |injector: &Injector, number: u32| {
        injector.syn(address(STRANGER, 40_000 + number), address(PROVIDER, 20_020 + number % 20));
    };
    let family = laboratory.verify_among(500, knock);
    for port in family["ports"].as_array().expect("ports") {
        if is_open(port) {
            assert_eq!(port["verdict"], "proven", "{port:#}");
            continue;
        }
        assert_eq!(peers(port), [STRANGER], "{port:#}");
        assert_eq!(port["verdict"], "nothing_arrived", "{port:#}");
        let advice = port["advice"].as_str().expect("advice");
        let both = "198.18.0.66 got as far as near";
        assert!(advice.starts_with(both), "{port:#}");
        assert!(advice.contains("nothing came from 198.51.100.1"), "{port:#}");
    }
}

/// Admits to some ports only hosts that this machine has talked to.
const CONTACTED_ONLY: &str = "
table inet filter {
    set contacted { type ipv4_addr; flags dynamic; timeout 1m; }
    chain output {
        type filter hook output priority filter
        ct state new add @contacted { ip daddr }
    }
    chain input {
        type filter hook input priority filter
        tcp dport 20000-20039 ip saddr != @contacted drop
    }
}
";

#[test]
fn a_firewall_that_admits_contacted_hosts_is_likely_where_a_stranger_shows_it() {
    if !skip::is_root() {
        return;
    }
    let laboratory = Laboratory::new();
    laboratory.provider.firewall(CONTACTED_ONLY);
    let nobody = laboratory.verify_among(0, |_, _| {});
    let kinds = |family: &Value| family["notices"].to_string();
    assert!(nobody["ports"][0]["verdict"] == "proven", "{nobody:#}");
    assert!(!kinds(&nobody).contains("contacted_hosts_only"), "{nobody:#}");
    let is_noted = |family: &Value| {
        family["note"].as_str().is_some_and(|note| note.contains("talked to first"))
    };
    assert!(is_noted(&nobody));
    let command = format!("verify {PORTS} --json --family 4 --server {CHECKER}");
    let unwatched = Report::unwatched(&laboratory.provider, &command).json();
    assert!(is_noted(&unwatched["families"][0]), "without watching packets: {unwatched:#}");

    // Twice at each port: an answer to a single attempt could be under way.
    let knock = |injector: &Injector, number: u32| {
        injector.syn(address(STRANGER, 40_000), address(PROVIDER, 20_000 + number / 2 % 40));
    };
    let strangers = laboratory.verify_among(2000, knock);
    assert!(kinds(&strangers).contains("contacted_hosts_only"), "{strangers:#}");
    assert_eq!(strangers["ports"][0]["verdict"], "proven");

    // The way out: probes leave from a second address.
    let checker = &laboratory.internet.checker;
    let link = checker.interface_with("198.51.100.1");
    checker.ip(&["address", "add", "198.51.100.2/24", "dev", &link]);
    let route = ["route", "change", "default", "via", "198.51.100.254", "src", "198.51.100.2"];
    checker.ip(&route);
    let found = laboratory.verify_among(0, |_, _| {});
    for port in found["ports"].as_array().expect("ports") {
        assert_eq!(port["verdict"], "blocked_here", "{port:#}");
        assert_eq!(peers(port), ["198.51.100.2"], "{port:#}");
    }
    assert!(found["note"].is_null(), "it would be noticed");
}
