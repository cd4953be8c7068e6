//! `verify --map` at a real home router, which speaks UPnP, PCP or NAT-PMP.

use std::time::{Duration, Instant};

use port_checker_testbed::{process::wait_until, skip};

use self::lab::Home;
use super::internet::{CHECKER, Internet, Report};
use crate::program::port_checker;

mod lab;
mod leases;
mod odd_routers;
mod questions;
mod refusals;
mod udp;

/// Everything that `miniupnpd` speaks.
const ALL: &str = "enable_natpmp=yes\nenable_upnp=yes";
const UPNP: &str = "enable_natpmp=no\nenable_upnp=yes";
/// NAT-PMP too: they share the port.
const PCP: &str = "enable_natpmp=yes\nenable_upnp=no";

/// The first byte of a request is its version: 0 is NAT-PMP, 2 is PCP.
const WITHOUT_NAT_PMP: &str = "udp dport 5351 @th,64,8 0 drop";
const WITHOUT_PCP: &str = "udp dport 5351 @th,64,8 2 drop";

/// The lease in the tests that wait for its end: a busy machine renews it in time.
const LEASE: Duration = Duration::from_secs(8);

/// `miniupnpd` removes mappings within a few seconds after the end of their lease.
const SLACK: Duration = Duration::from_secs(15);

#[test]
fn each_protocol_alone_opens_a_port_that_the_checker_reaches_then() {
    if !skip::is_root() {
        return;
    }
    for (options, rules, protocol) in [
        (UPNP, "", "UPnP"),
        (PCP, WITHOUT_NAT_PMP, "PCP"),
        (PCP, WITHOUT_PCP, "NAT-PMP"),
        (ALL, "", "UPnP"),
    ] {
        let Some(home) = Home::new(options, rules) else { return };
        let before = home.verify("7466");
        assert_eq!(before.status, Some(1), "{}", before.text);
        assert!(!before.text.contains("apped"), "nobody asked for it: {}", before.text);
        assert_eq!(home.mappings(), "", "nobody asked for it");
        let report = home.verify("7466 50800-50801 --map");
        let text = report.flowing();
        assert_eq!(report.status, Some(0), "{protocol}: {}", report.text);
        let done = format!(
            "Mapped 7466, 50800-50801/tcp at the router 192.168.1.1 over {protocol}; reachable then. \
             Removed again: a forward in the router would make that last."
        );
        assert!(text.contains(&done), "{protocol}: {}", report.text);
        assert!(text.contains("50800-50801 reachable, proven ours"), "{protocol}: {}", report.text);
        assert_eq!(home.mappings(), "", "{protocol}: removed at the end");
    }
}

#[test]
fn the_json_document_says_what_was_done() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(ALL, "") else { return };
    home.map_to_neighbour(7467);
    let document = home.verify("7466-7467 80 --map --json").json();
    let mappings = document["mappings"].as_array().expect("a list");
    assert_eq!(mappings.len(), 3, "{mappings:?}");
    let expected = serde_json::json!({
        "port": 7466, "transport": "tcp", "router": "192.168.1.1", "protocol": "upnp_igd",
        "state": "removed", "permanent": false, "accessible": true,
    });
    assert_eq!(mappings[0], expected);
    let reason = serde_json::json!({"kind": "taken", "to": "192.168.1.20:7467"});
    assert_eq!((&mappings[1]["state"], &mappings[1]["reason"]), (&"not_mapped".into(), &reason));
    assert_eq!(mappings[2]["reason"]["kind"], "failed", "{mappings:?}");
    assert_eq!(home.verify("7466 --json").json()["mappings"], serde_json::json!([]));
}

#[test]
fn a_mapping_to_another_machine_is_named_and_left_alone() {
    if !skip::is_root() {
        return;
    }
    // Over UPnP its owner is known; over PCP the router offers another port, which is given back.
    for (options, words) in [
        (
            ALL,
            "Not mapped 7466/tcp: the router 192.168.1.1 over UPnP maps it to 192.168.1.20:7466, another \
             machine, and that stays as it is.",
        ),
        (PCP, "Not mapped 7466/tcp: the router 192.168.1.1 over PCP offers the port"),
    ] {
        let Some(home) = Home::new(options, "") else { return };
        home.map_to_neighbour(7466);
        let before = home.mappings();
        assert!(before.contains("192.168.1.20:7466"), "{before}");
        let report = home.verify("7466 --map");
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(report.flowing().contains(words), "{}", report.text);
        assert_eq!(home.mappings(), before, "untouched, and nothing beside it");
    }
}

#[test]
fn ctrl_c_and_sigterm_remove_the_mappings_and_report() {
    if !skip::is_root() {
        return;
    }
    for (options, name, status) in [(UPNP, "INT", 130), (PCP, "INT", 130), (ALL, "TERM", 143)] {
        let Some(home) = Home::new(options, "") else { return };
        let run = home.begin("7466-7467 --map --wait");
        wait_until("the port is mapped", || home.maps(7466));
        let (ended, text) = run.end_by(name);
        assert_eq!(ended, Some(status), "{text}");
        assert!(text.contains("IPv4: "), "what is known is reported: {text}");
        assert!(text.contains("apped 7466"), "{text}");
        assert_eq!(home.mappings(), "", "{text}");
    }
}

/// The mappings of many ports take a while; the first is there when the signal comes.
#[test]
fn ctrl_c_while_ports_are_mapped_ends_it_at_once() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(UPNP, "") else { return };
    let run = home.begin("7400-7490 --map --wait");
    wait_until("the first port is mapped", || !home.mappings().is_empty());
    let (ended, text) = run.end_by("INT");
    assert_eq!(ended, Some(130), "{text}");
    assert_eq!(home.mappings(), "", "{text}");
    let mapped = text.matches("emoved again").count();
    assert!(mapped > 0 && !text.contains("7400-7490/tcp"), "not all of them: {text}");
}

#[test]
fn a_killed_run_leaves_nothing_after_the_lease() {
    if !skip::is_root() {
        return;
    }
    let lease = LEASE.as_secs();
    let options = format!("{PCP}\nmin_lifetime={}\nmax_lifetime={lease}", lease - 1);
    // Over PCP the router grants a lease as short as it likes.
    let Some(home) = Home::new(&options, WITHOUT_NAT_PMP) else { return };
    let run = home.begin("7466-7467 --map --wait");
    wait_until("the port is mapped", || home.maps(7466));
    let mapped = Instant::now();
    wait_until("the lease would be over, were it not renewed", || {
        assert!(home.maps(7466), "after {:?}", mapped.elapsed());
        mapped.elapsed() > LEASE + LEASE / 4
    });
    run.end_by("KILL");
    let killed = Instant::now();
    wait_until("the lease is over", || home.mappings().is_empty());
    assert!(killed.elapsed() < LEASE + SLACK, "{:?}", killed.elapsed());
}

#[test]
fn a_mapping_of_this_machine_by_another_program_is_left_alone() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(ALL, "") else { return };
    home.map_over_nat_pmp("192.168.1.10", 7466);
    let before = home.mappings();
    // The mapping is there, and another router before it drops the connections.
    home.router.firewall(
        "table inet own {\n chain forward {\n type filter hook forward priority filter\n \
         tcp dport 7466 drop\n }\n}\n",
    );
    let report = home.verify("7466 --map");
    let words = "Not mapped 7466/tcp: the router 192.168.1.1 over UPnP maps it to 192.168.1.10:7466, this \
                 machine, already.";
    assert!(report.flowing().contains(words), "{}", report.text);
    assert_eq!(home.mappings(), before);
}

#[test]
fn mappings_are_kept_for_as_long_as_was_asked_for() {
    if !skip::is_root() {
        return;
    }
    let lease = LEASE.as_secs();
    for (options, protocol) in [
        (UPNP.to_owned(), "UPnP"),
        (format!("{PCP}\nmin_lifetime={}\nmax_lifetime=120", lease - 1), "PCP"),
    ] {
        let Some(home) = Home::new(&options, "") else { return };
        let report = home.verify(&format!("7466 --map --keep {lease}"));
        let ended = Instant::now();
        assert_eq!(report.status, Some(0), "{}", report.text);
        let words = format!("over {protocol}; reachable now. It stays until 20");
        assert!(report.flowing().contains(&words), "{}", report.text);
        assert!(home.maps(7466), "it is left: {}", report.text);
        wait_until("the lease is over", || home.mappings().is_empty());
        assert!(ended.elapsed() < LEASE + SLACK, "{:?}", ended.elapsed());
    }
}

#[test]
fn a_router_that_speaks_nothing_and_a_machine_without_one_are_told() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(UPNP, "udp dport { 1900, 5351 } drop") else { return };
    let report = home.verify("7466 --map");
    let words =
        "Not mapped 7466/tcp: the router 192.168.1.1 answers neither UPnP nor PCP nor NAT-PMP.";
    assert!(report.flowing().contains(words), "{}", report.text);
    assert_eq!(report.status, Some(1), "{}", report.text);

    let internet = Internet::new();
    let provider = internet.data_centre();
    // Somebody before it drops the packets, and it is no router of its network.
    internet.backbone.firewall(
        "table inet filter {\n chain forward {\n type filter hook forward priority filter\n \
         tcp dport 7467 drop\n }\n}\n",
    );
    let _checker = internet.serve();
    let arguments = format!("verify 7466-7467 --family 4 --map --server {CHECKER}");
    let report = Report::of(&provider, &arguments);
    let words = "Not mapped 7467/tcp: no router that could be asked translates addresses before this machine.";
    assert!(report.flowing().contains(words), "{}", report.text);
    assert!(!report.text.contains("apped 7466"), "it is reachable: {}", report.text);
}

/// Over PCP the router tells its address with a mapping, and not without.
#[test]
fn a_second_translation_is_certain_over_each_protocol() {
    if !skip::is_root() {
        return;
    }
    for (options, rules) in [(PCP, WITHOUT_NAT_PMP), (ALL, "")] {
        let Some(home) = Home::behind_a_carrier(options, rules) else { return };
        let report = home.verify("7466 --map");
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        let words = "No forward in the router 192.168.1.1 can work alone: its address on the Internet's side is \
                     8.8.4.4, and the address checked is 203.0.113.7.";
        assert!(text.contains(words), "{}", report.text);
        assert!(text.contains("; still not reachable. Removed again."), "{}", report.text);
        assert_eq!(home.mappings(), "");
    }
}

/// The mapping is not what was missing: then the advice is no longer to forward the port.
#[test]
fn a_port_that_stays_closed_with_a_mapping_gets_other_advice() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(ALL, "") else { return };
    home.router.firewall(
        "table inet closed {\n chain forward {\n type filter hook forward priority filter\n \
         iifname != lo tcp dport 7466 drop\n }\n}\n",
    );
    let report = home.verify("7466 --map");
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(text.contains("still not reachable. Removed again."), "{}", report.text);
    assert!(!text.contains("forward TCP to"), "{}", report.text);
}

#[test]
fn the_flags_depend_on_each_other() {
    let server = ["--server", "http://127.0.0.1:9"];
    for flags in [
        &["--map"][..],
        &["--map", server[0], server[1], "--no-router"],
        &["--keep", "60", server[0], server[1]],
        &["--map", "--keep", "0", server[0], server[1]],
        &["--map", "--keep", "604801", server[0], server[1]],
        &["--map", "--keep", "soon", server[0], server[1]],
    ] {
        let output = port_checker(&[&["verify", "7466"], flags].concat(), &[]).output();
        let output = output.expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {output:?}");
    }
}
