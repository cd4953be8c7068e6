//! The bytes that get out to a target, counted there.

use std::{net::SocketAddr, thread};

use port_checker_testbed::{
    http::{begin_check, check_ports, metric},
    namespace::Namespace,
    process::{Service, wait_until},
    skip,
};
use serde_json::json;

use super::{CHALLENGE, PACKET_V4, PACKET_V6};
use crate::program::{PORT_CHECKER, configure};

/// Requests that are answered, and those whose client hangs up in the middle, over each family.
const ANSWERED: u64 = 10;
const CANCELLED: u64 = 10;

/// Ports of each request that are silent, and as many that are refused; and the attempts at each.
const SILENT: u64 = 20;
const PORTS: u64 = 2 * SILENT;
const ATTEMPTS: u64 = 3;

/// The first port that nothing listens on, and that is not dropped.
const REFUSED: u64 = 1_001;

/// Counts what comes for the ports, and all other UDP.
const FIREWALL: &str = "
    table inet egress {
        counter v4 {}
        counter v6 {}
        counter others {}
        chain input {
            type filter hook input priority 0;
            ip daddr 127.0.0.1 udp dport 1-1000 counter name v4 drop
            ip daddr 127.0.0.1 udp dport 1001-2000 counter name v4 accept
            ip6 daddr ::1 udp dport 1-1000 counter name v6 drop
            ip6 daddr ::1 udp dport 1001-2000 counter name v6 accept
            meta l4proto udp counter name others
        }
    }
";

#[test]
fn never_more_bytes_than_160_for_each_attempt_at_each_port_of_many_requests_and_cancelled_ones() {
    if !skip::is_root() || !skip::has("nft", "--version") {
        return;
    }
    let machine = Namespace::new();
    machine.firewall(FIREWALL);
    let settings = [
        ("PORT_CHECKER_HOST", "::"),
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
        ("PORT_CHECK_RETRIES", "3"),
        ("PORT_CHECK_RETRY_DELAY", "0.2"),
        ("PORT_CHECK_TIMEOUT", "0.5"),
    ];
    let mut command = machine.command(PORT_CHECKER, &["serve"]);
    configure(&mut command, &settings);
    let checker = Service::start(&mut command);
    let ports: Vec<u64> = (1..=SILENT).chain(REFUSED..REFUSED + SILENT).collect();
    let body = json!({"ports": ports, "transport": "udp", "challenge": CHALLENGE}).to_string();
    for (ip, counter, packet) in [("127.0.0.1", "v4", PACKET_V4), ("::1", "v6", PACKET_V6)] {
        let address = SocketAddr::new(ip.parse().unwrap(), checker.address.port());
        thread::scope(|scope| {
            for _ in 0..ANSWERED {
                scope.spawn(|| {
                    let answer = machine.within(|| check_ports(address, &body));
                    assert_eq!(answer.status, 200, "{answer:?}");
                });
            }
        });
        let answered = ANSWERED * PORTS * ATTEMPTS;
        assert_eq!(machine.counter("egress", counter), (answered, answered * packet), "{ip}");
        let in_flight = || machine.within(|| metric(address, "port_checker_probes_in_flight "));
        let clients: Vec<_> =
            (0..CANCELLED).map(|_| machine.within(|| begin_check(address, &body))).collect();
        wait_until("all have begun", || in_flight() >= (CANCELLED * SILENT) as f64);
        drop(clients);
        wait_until("all have ended", || in_flight() == 0.0);
        let (packets, bytes) = machine.counter("egress", counter);
        let begun = packets - answered;
        let most = CANCELLED * PORTS * ATTEMPTS;
        assert!((CANCELLED * SILENT..=most).contains(&begun), "{ip}: {begun} of {most}");
        assert_eq!(bytes, packets * packet, "{ip}: none is longer");
    }
    assert_eq!(machine.counter("egress", "others"), (0, 0), "nobody else gets any");
}
