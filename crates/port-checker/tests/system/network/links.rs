//! Neighbours on the links of this machine, and firewalls that no router hides.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use port_checker_testbed::{
    injector::Injector, long_line::Line, namespace::Namespace, process::Service, skip,
};

use super::{
    checkers::python_service,
    internet::{
        CHECKER, Internet, Report, attach, attach_far, machine, masquerading_router, serve,
    },
};

const OWN: [&str; 2] = ["203.0.113.9/24", "2001:db8:9::9/64"];
const NEIGHBOURS: [&str; 2] = ["203.0.113.200/24", "2001:db8:9::200/64"];

/// The neighbour as a checker, over each family; and how it says in which network both are.
const BY_FAMILY: [(&str, &str); 2] = [
    ("http://203.0.113.200:9000", "(203.0.113.0/24)"),
    ("http://[2001:db8:9::200]:9000", "(2001:db8:9::/64)"),
];

const DROP: &str = "flush ruleset\ntable inet filter {\n chain input {\n type filter hook input priority filter\n \
                    tcp dport 7466 drop\n }\n}\n";

/// Two machines of a rack, with public addresses of both families.
fn rack() -> (Namespace, Namespace, Service) {
    let (provider, neighbour) = (machine(), machine());
    attach(&provider, &OWN, &neighbour, &NEIGHBOURS);
    let checker = serve(&neighbour);
    (provider, neighbour, checker)
}

#[test]
fn a_checker_on_the_same_link_proves_that_network_only() {
    if !skip::is_root() {
        return;
    }
    let (provider, _neighbour, _checker) = rack();
    for (server, network) in BY_FAMILY {
        for ask in [Report::of, Report::unwatched] {
            let report = ask(&provider, &format!("verify 7466 --server {server}"));
            let text = report.flowing();
            assert_eq!(report.status, Some(3), "{}", report.text);
            let same = format!("is in the same network as this machine {network}");
            assert!(text.contains(&same), "{}", report.text);
            assert!(text.contains("1 of 1 port usable here."), "{}", report.text);
        }
        let local = Report::of(&provider, &format!("verify 7466 --local --server {server}"));
        assert_eq!(local.status, Some(0), "that was asked for: {}", local.text);
    }
    let json = Report::of(&provider, &format!("verify 7466 --json --server {}", BY_FAMILY[0].0));
    let json = json.json();
    assert_eq!(json["outcome"], "local_only", "{json:#}");
    assert_eq!(json["families"][0]["notices"][0]["kind"], "same_network", "{json:#}");
    assert_eq!(json["families"][0]["host"]["networks"][0], "203.0.113.0/24", "{json:#}");
}

#[test]
fn what_a_checker_on_the_same_link_does_not_reach_is_not_blamed_on_a_router() {
    if !skip::is_root() {
        return;
    }
    let (provider, _neighbour, _checker) = rack();
    provider.firewall(DROP);
    for (server, _) in BY_FAMILY {
        let command = format!("verify 7466 --server {server}");
        let watched = Report::of(&provider, &command);
        assert!(
            watched.flowing().contains("firewall blocks it; it arrived at"),
            "{}",
            watched.text
        );
        let unwatched = Report::unwatched(&provider, &command);
        let text = unwatched.flowing();
        assert!(
            text.contains("Allow incoming TCP connections in this machine's firewall"),
            "{text}"
        );
        assert!(text.contains("Run as root, this would tell"), "{text}");
        for report in [watched, unwatched] {
            assert_eq!(report.status, Some(1), "{}", report.text);
            assert!(!report.text.contains("router"), "there is none: {}", report.text);
        }
    }
}

#[test]
fn a_checker_on_this_machine_by_its_public_address_proves_this_machine_only() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = serve(&provider);
    let report = Report::of(&provider, "verify 7466 --server http://203.0.113.9:9000");
    assert_eq!(report.status, Some(3), "{}", report.text);
    let here = "The checker at 203.0.113.9 is on this machine";
    assert!(report.flowing().contains(here), "{}", report.text);
}

/// The far end of a line may be anywhere, whatever the masks of the addresses are.
#[test]
fn the_other_end_of_a_line_is_no_neighbour() {
    if !skip::is_root() {
        return;
    }
    let (provider, far) = (machine(), machine());
    let line = Line::with_round_trip(Duration::from_millis(20), 0.0);
    let _line = attach_far(&provider, &OWN, &far, &NEIGHBOURS, line);
    let _checker = serve(&far);
    for (server, _) in BY_FAMILY {
        let report = Report::of(&provider, &format!("verify 7466 --server {server}"));
        assert_eq!(report.status, Some(0), "{}", report.text);
    }
}

/// The Python service says in words that the connection was rejected, and not who did.
#[test]
fn a_rejection_in_words_only_is_not_blamed_on_a_router() {
    let Some(python) = std::env::var_os("PYTHON_SERVICE") else {
        return skip::missing("PYTHON_SERVICE, the path of its command; see scripts/test");
    };
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _python = python_service(&internet.checker, &python, "198.51.100.1:9000");
    let reject = |hook: &str| {
        format!(
            "flush ruleset\ntable inet filter {{\n chain rejects {{\n type filter hook {hook} priority filter\n \
             tcp dport 7466 reject with icmpx admin-prohibited\n }}\n}}\n"
        )
    };
    let command = format!("verify 7466 --ip 203.0.113.9 --server {CHECKER}");
    provider.firewall(&reject("input"));
    let watched = Report::of(&provider, &command);
    assert!(watched.flowing().contains("this machine's firewall blocks it"), "{}", watched.text);
    let unwatched = Report::unwatched(&provider, &command);
    let text = unwatched.flowing();
    assert!(text.contains("7466 rejected on the way"), "{}", unwatched.text);
    let both = "Allow incoming TCP connections in this machine's firewall and, in a data centre, in the provider's.";
    assert!(text.contains(both), "{}", unwatched.text);
    assert!(text.contains("Run as root, this would tell"), "{}", unwatched.text);

    provider.firewall("flush ruleset\n");
    internet.backbone.firewall(&reject("forward"));
    let before = Report::of(&provider, &command);
    let text = before.flowing();
    let innocent =
        "so its firewall is not the cause. A firewall before this machine rejects the connections";
    assert!(text.contains(innocent), "{}", before.text);
    for report in [watched, unwatched, before] {
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(!report.text.contains("router"), "there is none: {}", report.text);
    }
}

/// A neighbour knocks at a port whose connections the router does not forward, and which is closed here too.
#[test]
fn a_neighbour_who_knocks_is_not_taken_for_the_checker() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (router, provider) = (masquerading_router(), machine());
    attach(&router, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
    router.firewall(&DROP.replace("flush ruleset", ""));
    provider.firewall(DROP);
    let neighbours = Injector::into(&provider, &["192.168.9.1/24"]);
    let _checker = internet.serve();
    let finished = AtomicBool::new(false);
    let report = thread::scope(|scope| {
        scope.spawn(|| knock(&neighbours, &finished));
        let command = format!("verify 7466 --no-router --server {CHECKER}");
        let report = Report::of(&provider, &command);
        finished.store(true, Ordering::Relaxed);
        report
    });
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(text.contains("7466 timed out "), "{}", report.text);
    assert!(text.contains("Let the router forward TCP to 192.168.1.10"), "{}", report.text);
    assert!(
        text.contains("A connection of 192.168.9.77, a machine of the local network"),
        "{text}"
    );
    assert!(!text.contains("firewall blocks it"), "{}", report.text);
}

/// Begins connections to port 7466 until the run is over.
fn knock(neighbours: &Injector, finished: &AtomicBool) {
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    while !finished.load(Ordering::Relaxed) {
        neighbours.syn(address("192.168.9.77:40000"), address("192.168.1.10:7466"));
        thread::sleep(Duration::from_millis(20));
    }
}
