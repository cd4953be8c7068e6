//! Other places to stand than behind one's own router.

use std::{
    io::Read,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use port_checker_testbed::{http::try_connect, namespace::Namespace, process::Service, skip};

use crate::program::PORT_CHECKER;

use super::internet::{
    CHECKER, Internet, Report, attach, copy_for_everybody, forward, machine, masquerading_router,
};

/// A provider in a data centre, with public addresses of both families.
struct DataCentre {
    provider: Namespace,
    _checker: Service,
    _internet: Internet,
}

impl DataCentre {
    fn new() -> Self {
        let internet = Internet::new();
        let provider = internet.data_centre();
        Self { provider, _checker: internet.serve(), _internet: internet }
    }

    fn verify(&self, arguments: &str) -> Report {
        Report::of(&self.provider, &format!("verify {arguments} --server {CHECKER}"))
    }
}

#[test]
fn directly_on_the_internet() {
    if !skip::is_root() {
        return;
    }
    let report = DataCentre::new().verify("7466 50800-50899");
    assert_eq!(report.status, Some(0), "{}", report.text);
    insta::assert_snapshot!("direct", report.text);
}

#[test]
fn ipv6_works_and_ipv4_does_not_and_the_reverse() {
    if !skip::is_root() {
        return;
    }
    let centre = DataCentre::new();
    for (blocked, works, fails) in [("ipv4", "IPv6", "IPv4"), ("ipv6", "IPv4", "IPv6")] {
        centre.provider.firewall(&format!(
            "
flush ruleset
table inet filter {{
    chain input {{
        type filter hook input priority filter
        meta nfproto {blocked} tcp dport 7466 drop
    }}
}}
"
        ));
        let report = centre.verify("7466");
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(text.contains(&format!("{works} works and {fails} does not")), "{}", report.text);
        assert!(!text.contains("forwards in the router"), "there is none: {}", report.text);
        assert!(text.contains("7466 reachable, proven ours"), "{}", report.text);
        assert!(text.contains("7466 this machine's firewall blocks it"), "{}", report.text);
        assert!(text.contains("Allow incoming TCP connections there."), "{}", report.text);
        let chosen = works.trim_start_matches("IPv");
        let report = centre.verify(&format!("7466 --family {chosen}"));
        assert_eq!(report.status, Some(0), "{}", report.text);
    }
}

#[test]
fn a_port_that_another_program_holds_is_checked_as_it_is() {
    if !skip::is_root() {
        return;
    }
    let centre = DataCentre::new();
    let _held = centre.provider.within(|| {
        let everywhere = std::net::TcpListener::bind("0.0.0.0:7466").expect("a free port");
        let loopback = std::net::TcpListener::bind("127.0.0.1:7467").expect("a free port");
        (everywhere, loopback)
    });
    let report = centre.verify("7466 7467 --family 4");
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(text.contains("7466 reachable; "), "{}", report.text);
    assert!(text.contains("7467 refused; "), "{}", report.text);
    assert!(text.contains("listens on this machine's loopback address only"), "{}", report.text);
    let name = std::fs::read_to_string("/proc/self/comm").expect("a process has a name");
    let holder = format!("{} (process {}) holds the port", name.trim(), std::process::id());
    assert_eq!(text.matches(&holder).count(), 2, "{holder} in {}", report.text);
}

#[test]
fn an_unprivileged_user_and_port_80() {
    if !skip::is_root() {
        return;
    }
    let centre = DataCentre::new();
    let directory = tempfile::tempdir().expect("a directory");
    let copy = copy_for_everybody(directory.path());
    let arguments = ["--reuid=65534", "--clear-groups", "--inh-caps=-all", "--"];
    let mut command = centre.provider.command("setpriv", &arguments);
    command.arg(copy).args(["verify", "80", "7466", "--family=4", "--server", CHECKER]);
    let report = Report::run(&mut command);
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(text.contains("80 not permitted to listen there"), "{}", report.text);
    assert!(text.contains("7466 reachable, proven ours"), "{}", report.text);
    assert!(text.contains("setcap cap_net_bind_service=+ep"), "{}", report.text);
}

#[test]
fn behind_two_routers_of_which_only_one_forwards() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (outer, inner, provider) = (masquerading_router(), masquerading_router(), machine());
    attach(&outer, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&inner, &["10.0.0.2/24"], &outer, &["10.0.0.1/24"]);
    attach(&provider, &["192.168.1.10/24"], &inner, &["192.168.1.1/24"]);
    outer.firewall(DROP_THE_REST);
    forward(&inner, "10.0.0.2", "7466", "192.168.1.10");
    let _checker = internet.serve();
    let verify = || Report::of(&provider, &format!("verify 7466 --server {CHECKER}"));
    let report = verify();
    assert_eq!(report.status, Some(1), "{}", report.text);
    let text = report.flowing();
    assert!(text.contains("7466 timed out, and nothing arrived here"), "{}", report.text);
    assert!(text.contains("second router before it, that one must forward"), "{}", report.text);
    forward(&outer, "203.0.113.7", "7466", "10.0.0.2");
    let report = verify();
    assert_eq!(report.status, Some(0), "what the advice says helps: {}", report.text);
}

#[test]
fn behind_carrier_grade_nat() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (carrier, provider) = (masquerading_router(), machine());
    attach(&carrier, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&provider, &["100.64.0.10/24"], &carrier, &["100.64.0.1/24"]);
    carrier.firewall(DROP_THE_REST);
    let _checker = internet.serve();
    let report = Report::of(&provider, &format!("verify 7466 50800-50899 --server {CHECKER}"));
    assert_eq!(report.status, Some(1), "{}", report.text);
    insta::assert_snapshot!("carrier_grade_nat", report.text);
    let unwatched = format!("verify 7466 50800-50899 --server {CHECKER}");
    let unwatched = Report::unwatched(&provider, &unwatched);
    assert_eq!(unwatched.text, report.text, "nothing depends on packets");
    let json = Report::of(&provider, &format!("verify 7466 --json --server {CHECKER}")).json();
    assert_eq!(json["families"][0]["notices"][0]["kind"], "carrier_grade_nat", "{json:#}");
}

/// Ports to which nobody comes must not keep anything from those to which somebody does.
#[test]
fn a_firewall_that_drops_half_of_a_thousand_ports_beside_few_descriptors() {
    if !skip::is_root() {
        return;
    }
    let centre = DataCentre::new();
    centre.provider.firewall(
        "
table inet filter {
    chain input {
        type filter hook input priority filter
        meta nfproto ipv4 tcp dport 20000-20499 drop
    }
}
",
    );
    let mut command = centre.provider.command("prlimit", &["--nofile=1024:1024", PORT_CHECKER]);
    command.args(["verify", "20000-20999", "--server", CHECKER]);
    let report = Report::run(&mut command);
    assert_eq!(report.status, Some(1), "{}", report.text);
    for line in [
        "20000-20499  this machine's firewall blocks it; it arrived at",
        "20500-20999  reachable, proven ours",
        "20000-20999  reachable, proven ours",
    ] {
        assert!(report.text.contains(line), "{line}: {}", report.text);
    }
}

/// Ports of providers often lie where the kernel takes the near ends of connections from: ours to the
/// checkers, and those of a checker on this machine.
#[test]
fn our_own_connections_do_not_take_the_ports() {
    if !skip::is_root() {
        return;
    }
    let centre = DataCentre::new();
    centre.provider.sysctl("net.ipv4.ip_local_port_range=20000 20099");
    let report = centre.verify("20000-20099");
    assert_eq!(report.status, Some(0), "{}", report.text);
    assert_eq!(report.text.matches("  20000-20099  reachable, proven ours\n").count(), 2);
    // A port of the checker's own, and enough for its hundred connections.
    centre.provider.sysctl("net.ipv4.ip_local_port_range=20000 20199");
    for _ in 0..5 {
        let report = Report::of(&centre.provider, "verify 20000-20099 --family 4 --local");
        assert_eq!(report.status, Some(0), "{}", report.text);
        assert!(report.text.contains("  20000-20099  reachable, proven ours\n"), "{}", report.text);
    }
}

/// A monitor that looks whether the port works is no evidence that the Internet reached it.
#[test]
fn programs_of_this_machine_are_no_visitors() {
    if !skip::is_root() {
        return;
    }
    let centre = DataCentre::new();
    centre.provider.firewall(
        "
table inet filter {
    chain input {
        type filter hook input priority filter
        iifname != lo tcp dport 7466 drop
    }
}
",
    );
    let done = AtomicBool::new(false);
    let report = thread::scope(|scope| {
        scope.spawn(|| centre.provider.within(|| visit(&done)));
        let report = centre.verify("7466 --family 4");
        done.store(true, Ordering::Relaxed);
        report
    });
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(report.text.contains("7466  this machine's firewall blocks it"), "{}", report.text);
}

/// Connects to port 7466 of loopback and of the public address, again and again, and reads.
fn visit(done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        if let Ok(mut stream) = try_connect("127.0.0.1:7466".parse().expect("an address")) {
            let _ = stream.read(&mut [0; 64]);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_machine_without_ipv6() {
    if !skip::is_root() {
        return;
    }
    let machine = machine();
    machine.sysctl("net.ipv6.conf.all.disable_ipv6=1");
    let report = Report::of(&machine, "verify 7466 --local");
    assert_eq!(report.status, Some(0), "{}", report.text);
    assert!(!report.text.contains("IPv6"), "{}", report.text);
    for family in ["6", "both"] {
        let report = Report::of(&machine, &format!("verify 7466 --family {family}"));
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(report.flowing().contains("This machine has no IPv6 address"), "{}", report.text);
        assert!(!report.flowing().contains("No checker"), "nobody was asked: {}", report.text);
    }
}

/// A router that does not answer for ports it does not forward.
const DROP_THE_REST: &str = "
table inet filter {
    chain input {
        type filter hook input priority filter
        ct state established,related accept
        tcp dport 1-65535 drop
    }
}
";
