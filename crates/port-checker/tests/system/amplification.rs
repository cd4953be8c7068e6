//! What a stranger's request can send to an address that is not the stranger's.

use port_checker_testbed::{http::check_ports, namespace::Namespace, process::Service, skip};

use crate::program::{PORT_CHECKER, configure};

/// The most ports of another's address that the default limits admit at once.
const PORTS: u64 = 2048 / 5;

/// Attempts at each port of a third party.
const MAX_ATTEMPTS: u64 = 2;

/// SYN packets of one attempt that nobody answers within the default time-out of 5 seconds: the first,
/// and one a second after it, from Linux 6.5; before, the kernel repeats it less often.
const MAX_SYNS: u64 = 5;

/// A SYN with the options that Linux sends, in bytes.
const SYN_V4: u64 = 60;
const SYN_V6: u64 = 80;

/// Counts and drops what comes for the silent ports.
const FIREWALL: &str = "
    table inet silent {
        counter v4 {}
        counter v6 {}
        chain input {
            type filter hook input priority 0;
            ip daddr 127.0.0.77 tcp dport 1-2000 counter name v4 drop
            ip6 daddr ::1 tcp dport 1-2000 counter name v6 drop
        }
    }
";

#[test]
fn a_strangers_request_sends_no_more_packets_than_documented() {
    if !skip::is_root() || !skip::has("nft", "--version") {
        return;
    }
    let machine = Namespace::new();
    machine.firewall(FIREWALL);
    let mut command = machine.command(PORT_CHECKER, &["serve"]);
    configure(&mut command, &[("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")]);
    let checker = Service::start(&mut command);
    let ask = |target: &str, count: u64| {
        let ports: Vec<u64> = (1..=count).collect();
        let body = format!(r#"{{"provider_ip":"{target}","ports":{ports:?}}}"#);
        machine.within(|| check_ports(checker.address, &body)).status
    };
    assert_eq!(ask("127.0.0.77", PORTS + 1), 429, "one port more is never admitted");
    assert_eq!(machine.counter("silent", "v4"), (0, 0), "and sends nothing");
    assert_eq!(ask("127.0.0.77", PORTS), 200);
    let (packets, bytes) = machine.counter("silent", "v4");
    assert!(
        (PORTS * MAX_ATTEMPTS..=PORTS * MAX_ATTEMPTS * MAX_SYNS).contains(&packets),
        "{packets} packets"
    );
    assert_eq!(bytes, packets * SYN_V4, "{packets} packets");
    assert_eq!(ask("::1", 1), 200, "what came back meanwhile is enough for one");
    let (packets, bytes) = machine.counter("silent", "v6");
    assert!((MAX_ATTEMPTS..=MAX_ATTEMPTS * MAX_SYNS).contains(&packets), "{packets} packets");
    assert_eq!(bytes, packets * SYN_V6, "{packets} packets");
}
