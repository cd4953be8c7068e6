//! Which of several firewalls it is: with the right to watch packets, and without.

use std::{net::TcpListener, time::Duration};

use port_checker_testbed::{
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
    skip,
};

use super::internet::{
    CHECKER, Internet, Report, attach, attach_far, copy_for_everybody, forward, machine,
    masquerading_router,
};

const PORTS: &str = "20000-20039";

/// A provider behind a router that forwards the ports, a long way from the checker.
struct Home {
    _line: LongLine,
    provider: Namespace,
    router: Namespace,
    _checker: Service,
    _internet: Internet,
}

impl Home {
    fn new() -> Self {
        let internet = Internet::new();
        let (router, provider) = (masquerading_router(), machine());
        let line = Line::with_round_trip(Duration::from_millis(100), 0.0);
        let line = attach_far(
            &router,
            &["203.0.113.7/24"],
            &internet.backbone,
            &["203.0.113.254/24"],
            line,
        );
        attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
        forward(&router, "203.0.113.7", PORTS, "192.168.1.10");
        let checker = internet.serve();
        Self { _line: line, provider, router, _checker: checker, _internet: internet }
    }

    fn verify(&self) -> Report {
        Report::of(&self.provider, &format!("verify {PORTS} --server {CHECKER}"))
    }

    /// The same by a user who may not watch packets.
    fn verify_unprivileged(&self) -> Report {
        let directory = tempfile::tempdir().expect("a directory");
        let copy = copy_for_everybody(directory.path());
        let arguments = ["--reuid=65534", "--clear-groups", "--inh-caps=-all", "--"];
        let mut command = self.provider.command("setpriv", &arguments);
        command.arg(copy).args(["verify", PORTS, "--server", CHECKER]);
        Report::run(&mut command)
    }
}

fn input(rule: &str) -> String {
    format!(
        "flush ruleset\ntable inet filter {{\n chain input {{\n type filter hook input priority filter\n \
         tcp dport {PORTS} {rule}\n }}\n}}\n"
    )
}

/// Rejections are limited to one a second by the kernel: most connections see silence, some a message.
#[test]
fn the_firewall_of_this_machine_is_named_with_the_interface() {
    if !skip::is_root() {
        return;
    }
    let rules = [
        "drop",
        "reject with icmpx admin-prohibited",
        "reject with icmpx port-unreachable",
        "reject with tcp reset",
    ];
    for rule in rules {
        let home = Home::new();
        home.provider.sysctl("net.ipv4.icmp_ratelimit=1000");
        home.provider.firewall(&input(rule));
        let report = home.verify();
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{rule}: {}", report.text);
        let group = format!("{PORTS} this machine's firewall blocks it; it arrived at near");
        assert!(text.contains(&group), "{rule}: one group: {}", report.text);
        assert!(
            text.contains("and a firewall on this machine stops them"),
            "{rule}: {}",
            report.text
        );
        assert!(text.contains("The router forwards it already."), "{rule}: {}", report.text);
        let unwatched = home.verify_unprivileged();
        let text = unwatched.flowing();
        assert_eq!(unwatched.status, Some(1), "{rule}: {}", unwatched.text);
        assert!(text.contains("this machine's firewall"), "{rule}: {}", unwatched.text);
        assert!(text.contains("Run as root, this would tell"), "{rule}: {}", unwatched.text);
        assert!(!text.contains("by a router"), "{rule}: nobody knows: {}", unwatched.text);
        let limited = text.contains("Likely the same rule rejects them all");
        assert_eq!(limited, rule.contains("icmpx"), "{rule}: {}", unwatched.text);
    }
}

#[test]
fn a_router_that_forwards_nothing_is_told_from_the_firewall_of_this_machine() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    home.router.firewall(&input("drop").replace("flush ruleset", "").replace("input", "forward"));
    let text = home.verify().flowing();
    assert!(text.contains("so its firewall is not the cause"), "{text}");
    assert!(!text.contains("stops them (nftables"), "{text}");
}

#[test]
fn without_the_right_to_watch_both_are_named_and_the_way_to_tell() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    home.provider.firewall(&input("drop"));
    let report = home.verify_unprivileged();
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(text.contains("timed out, and nothing arrived here"), "{}", report.text);
    assert!(text.contains("Let the router forward TCP to 192.168.1.10"), "{}", report.text);
    assert!(text.contains("Run as root, this would tell"), "{}", report.text);
    assert!(!text.contains("is not the cause"), "it cannot know: {}", report.text);

    let half = "tcp dport 20000-20019 drop\n tcp dport 20020-20039 reject with tcp reset";
    home.provider.firewall(&input("drop").replace(&format!("tcp dport {PORTS} drop"), half));
    let report = home.verify_unprivileged();
    assert!(report.text.contains("\n  20020-20039  refused"), "two groups: {}", report.text);
    let times = report.flowing().matches("Run as root").count();
    assert_eq!(times, 1, "once for both: {}", report.text);
    assert!(report.text.contains("\n\n  Run as root, this would tell"), "{}", report.text);

    home.provider.firewall("flush ruleset\n");
    let report = home.verify_unprivileged();
    assert_eq!(report.status, Some(0), "{}", report.text);
    assert!(!report.text.contains("root"), "nothing is left to learn: {}", report.text);
    assert!(report.flowing().contains("behind NAT, and forwarding works"), "{}", report.text);
}

#[test]
fn answers_that_leave_and_get_lost_are_told_from_answers_that_do_not_leave() {
    if !skip::is_root() {
        return;
    }
    let output = |hook: &str| {
        format!(
            "table inet answers {{\n chain answers {{\n type filter hook {hook} priority filter\n \
             tcp sport {PORTS} drop\n }}\n}}\n"
        )
    };
    let cases = [
        ("here", "The answers did not leave this machine"),
        ("router", "The answers left this machine and did not get to the checker."),
    ];
    for (place, advice) in cases {
        let home = Home::new();
        match place {
            "here" => home.provider.firewall(&output("output")),
            _ => home.router.firewall(&output("forward")),
        }
        let report = home.verify();
        assert!(report.flowing().contains(advice), "{place}: {}", report.text);
    }
}

#[test]
fn sights_are_in_the_document_and_other_traffic_is_not() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let _other = home.provider.within(|| TcpListener::bind("192.168.1.10:30000").expect("free"));
    let json =
        Report::of(&home.provider, &format!("verify {PORTS} --json --server {CHECKER}")).json();
    let family = &json["families"][0];
    let ports = family["ports"].as_array().expect("ports");
    assert_eq!(ports.len(), 40);
    for port in ports {
        let sights = &port["sights"]["peers"][0];
        assert_eq!(sights["peer"], "198.51.100.1", "{port:#}");
        assert_eq!(sights["answered"], true, "{port:#}");
        assert!(sights["rejection"].is_null(), "{port:#}");
    }
}

/// The router admits so many new connections and drops all later ones.
#[test]
fn a_guard_against_port_scans_is_likely() {
    if !skip::is_root() {
        return;
    }
    let rule = "ct state new limit rate over 1/hour burst 15 packets drop";
    let guard = |hook: &str| input(rule).replace("flush ruleset", "").replace("input", hook);
    let cases = [
        ("router", "(in the router or at the provider)", "so its firewall is not the cause"),
        (
            "here",
            "(on this machine, such as fail2ban)",
            "and a firewall on this machine stops them",
        ),
    ];
    for (place, guard_place, advice) in cases {
        let home = Home::new();
        match place {
            "router" => home.router.firewall(&guard("forward")),
            _ => home.provider.firewall(&guard("input")),
        }
        let report = home.verify();
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{place}: {}", report.text);
        let cause = format!("Likely causes: a guard against port scans {guard_place}");
        assert!(text.contains(&cause), "{place}: {}", report.text);
        assert!(text.contains(advice), "{place}: {}", report.text);
        assert!(!text.contains("Let the router forward"), "{place}: {}", report.text);
        assert!(text.contains("Verify the silent ones alone"), "{place}: {}", report.text);
    }
}

/// Without the right to watch packets the guard may be anywhere.
#[test]
fn a_guard_against_port_scans_that_nobody_watched_is_not_placed() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    home.provider.firewall(&input("ct state new limit rate over 1/hour burst 15 packets drop"));
    let report = home.verify_unprivileged();
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    let cause = "a guard against port scans (in a router, at the provider, or on this machine, such as fail2ban)";
    assert!(text.contains(cause), "{}", report.text);
    assert!(text.contains("Run as root, this would tell"), "{}", report.text);
    assert!(!text.contains("Let the router forward"), "{}", report.text);
}
