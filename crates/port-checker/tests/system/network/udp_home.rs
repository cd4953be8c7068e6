//! UDP ports of a provider at home, behind a router.

use std::{net::UdpSocket, time::Duration};

use port_checker_testbed::{datagrams::Answering, namespace::Namespace, process::Service, skip};

use crate::program::PORT_CHECKER;

use super::internet::{
    CHECKER, Internet, Report, attach, copy_for_everybody, machine, masquerading_router,
};

/// The router forwards some UDP ports to this machine, 1003 and 1004 to another, and of 1012 the TCP port alone. It
/// rewrites the source port of the answers of 1008, and drops those of 1010.
const ROUTER: &str = "
table ip forwards {
    chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr 203.0.113.7 udp dport { 1002, 1005, 1007, 1008, 1010, 1011, 1015 } dnat to 192.168.1.10
        ip daddr 203.0.113.7 tcp dport { 1002, 1012 } dnat to 192.168.1.10
        ip daddr 203.0.113.7 udp dport 1013 dnat to 192.168.1.10
        ip daddr 203.0.113.7 udp dport 1003 dnat to 192.168.2.20
    }
}
table ip rewrites {
    chain postrouting {
        type filter hook postrouting priority srcnat + 10
        udp sport 1008 udp sport set 40008
    }
}
table inet filter {
    chain input {
        type filter hook input priority filter
        udp dport { 1001, 1012 } drop
        tcp dport { 1012, 1013 } drop
        udp dport 1006 reject with icmpx admin-prohibited
    }
    chain forward {
        type filter hook forward priority filter
        udp sport 1010 drop
    }
}
";

/// The provider's own machine drops datagrams of 1005 in and of 1007 out; at 1011 it lets in only answers to what it sent
/// first.
const HERE: &str = "
table inet filter {
    chain input {
        type filter hook input priority filter
        udp dport 1005 drop
        udp dport 1011 ct state established,related accept
        udp dport 1011 drop
    }
    chain output {
        type filter hook output priority filter
        udp sport 1007 drop
    }
}
";

const CHALLENGE: &str = "correct horse battery staple";

/// The port, its verdict, a part of the advice, and the exit status.
const CASES: [(u16, &str, &str, i32); 12] = [
    (1002, "reachable, proven ours", "", 0),
    (
        1001,
        "timed out, and nothing arrived here",
        "Nothing came to any interface of this machine, so its firewall is not the cause. Let the router forward UDP to \
         192.168.1.10 (this machine): a forward of TCP does not cover it.",
        1,
    ),
    (1003, "refused", "Let it forward UDP to the same port of 192.168.1.10 (this machine).", 1),
    (
        1004,
        "another host answered",
        "Another machine that answers such checks got the datagrams. Let the router forward UDP to 192.168.1.10 (this \
         machine).",
        1,
    ),
    (
        1005,
        "this machine's firewall blocks it; it arrived at near",
        "and a firewall on this machine stops them",
        1,
    ),
    (
        1011,
        "this machine's firewall blocks it; it arrived at near",
        "perhaps one that lets in only answers to what this machine sent first. Allow incoming UDP there. The router \
         forwards it already.",
        1,
    ),
    (1006, "rejected on the way", "Look for a rule that rejects them in your router", 1),
    (
        1007,
        "it arrived here, but our answers do not get out",
        "One way only: the datagrams came in, and the answers did not leave this machine.",
        1,
    ),
    (
        1008,
        "it arrived here, but our answers do not get out",
        "Likely the router gives them another source port or address",
        1,
    ),
    (1009, "refused", "The router has no forward of this UDP port and refuses by itself", 1),
    (
        1010,
        "it arrived here, but our answers do not get out",
        "the answers did not get back to the checker",
        1,
    ),
    (1014, "refused", "Let it forward UDP to the same port of 192.168.1.10 (this machine).", 1),
];

struct Home {
    provider: Namespace,
    _neighbour: Namespace,
    _other: Answering,
    _router: Namespace,
    _checker: Service,
    _internet: Internet,
}

impl Home {
    fn new() -> Self {
        let internet = Internet::new();
        let (router, provider, neighbour) = (masquerading_router(), machine(), machine());
        attach(&router, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
        attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
        attach(&neighbour, &["192.168.2.20/24"], &router, &["192.168.2.1/24"]);
        let other = neighbour.within(|| Answering::with([192, 168, 2, 20].into(), CHALLENGE));
        router.firewall(ROUTER);
        router.firewall(&format!(
            "table ip forwards {{\n chain prerouting {{\n ip daddr 203.0.113.7 udp dport 1004 dnat to \
             192.168.2.20:{}\n }}\n}}\n",
            other.port()
        ));
        provider.firewall(HERE);
        let checker = internet.serve();
        Self {
            provider,
            _neighbour: neighbour,
            _other: other,
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
fn treatments_of_a_udp_port_by_a_home_router() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    for (port, verdict, advice, status) in CASES {
        let report = home.verify(&format!("{port}/udp"));
        let text = report.flowing();
        assert!(text.contains(&format!("{port}/udp {verdict}")), "{port}: {}", report.text);
        assert!(text.contains(advice), "{port}: {}", report.text);
        assert_eq!(report.status, Some(status), "{port}: {}", report.text);
        assert!(!text.contains("TCP to"), "{port}: {}", report.text);
    }
}

/// Of 1012 TCP is forwarded alone, of 1013 UDP, of 1002 both.
#[test]
fn one_transport_of_a_number_may_be_forwarded_alone() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let report = home.verify("1002,1012,1013 1002/udp,1012/udp,1013/udp");
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    for words in [
        "1002, 1012 reachable, proven ours 1002/udp, 1013/udp reachable, proven ours",
        "1012/udp: TCP gets through with the same number, and UDP does not.",
        "1013: UDP gets through with the same number, and TCP does not.",
        "1012/udp: Nothing came to any interface of this machine",
        "IPv4: 4 of 6 ports reachable.",
    ] {
        assert!(text.contains(words), "{words}: {}", report.text);
    }
}

/// Without the right to watch packets the advice names both firewalls, and the way to learn more.
#[test]
fn udp_ports_of_a_user_who_may_not_watch_packets() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    home.provider.sysctl("net.ipv4.ip_unprivileged_port_start=1000");
    let directory = tempfile::tempdir().expect("a directory");
    let copy = copy_for_everybody(directory.path());
    let arguments = ["--reuid=65534", "--clear-groups", "--inh-caps=-all", "--"];
    let mut command = home.provider.command("setpriv", &arguments);
    command.arg(copy).args(["verify", "80/udp", "--server", CHECKER]);
    command.args(["1010/udp", "1008/udp", "1005/udp"]);
    let report = Report::run(&mut command);
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    for words in [
        "1005/udp timed out, and nothing arrived here",
        "80/udp not permitted to listen there",
        "If it does already, allow incoming UDP in this machine's firewall.",
        "Run as root, this would tell whether this machine's firewall is the cause.",
        "1008/udp, 1010/udp it arrived here, but our answers do not get out",
        "80/udp: Only a privileged user may use ports below 1024.",
    ] {
        assert!(text.contains(words), "{words}: {}", report.text);
    }
}

/// A program that reads and stays silent has the port, as WireGuard does.
#[test]
fn a_port_that_is_in_use_is_checked_while_it_is_in_use() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let held = home.provider.within(|| UdpSocket::bind("0.0.0.0:1015").expect("a free port"));
    let name = std::fs::read_to_string("/proc/self/comm").expect("a process has a name");
    let holder = format!("{} (process {}) holds the port", name.trim(), std::process::id());
    let report = home.verify("1015/udp");
    let text = report.flowing();
    assert_eq!(report.status, Some(0), "{}", report.text);
    let summary = format!("1015/udp reachable, proven ours; {holder}");
    assert!(text.contains(&summary), "{}", report.text);
    assert!(text.contains("1015/udp: this check answered beside the program"), "{}", report.text);
    held.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
    assert_eq!(held.recv(&mut [0; 512]).ok(), Some(160), "the stray datagram");

    let without = ["--bounding-set=-net_raw", "--inh-caps=-net_raw", "--", PORT_CHECKER];
    let mut command = home.provider.command("setpriv", &without);
    let report = Report::run(command.args(["verify", "1015/udp", "--server", CHECKER]));
    let text = report.flowing();
    assert_eq!(report.status, Some(3), "{}", report.text);
    assert!(text.contains(&format!("1015/udp no verdict; {holder}")), "{}", report.text);
    assert!(text.contains("'setcap cap_net_raw=+ep': then it answers beside"), "{}", report.text);
    held.set_nonblocking(true).expect("a socket");
    assert!(held.recv(&mut [0; 512]).is_err(), "nobody was asked");
}
