//! Which of two firewalls it is, over both families at an interface without a link layer, and for many ports.

use std::time::Duration;

use port_checker_testbed::{
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
    skip,
};

use super::internet::{CHECKER, Internet, Report, attach_far, machine, serve_with};

const PORTS: &str = "20000-20039";

/// A machine of both families whose only interface is a TUN device, a long way from the checker.
struct Laboratory {
    _line: LongLine,
    provider: Namespace,
    _checker: Service,
    internet: Internet,
}

impl Laboratory {
    /// The checker gets these arguments.
    fn new(arguments: &[&str]) -> Self {
        let (internet, provider) = (Internet::new(), machine());
        let line = attach_far(
            &provider,
            &["203.0.113.9/24", "2001:db8:9::9/64"],
            &internet.backbone,
            &["203.0.113.254/24", "2001:db8:9::fe/64"],
            Line::with_round_trip(Duration::from_millis(100), 0.0),
        );
        let checker = serve_with(&internet.checker, arguments);
        Self { _line: line, provider, _checker: checker, internet }
    }

    fn verify(&self, arguments: &str) -> Report {
        Report::of(&self.provider, &format!("verify {arguments} --server {CHECKER}"))
    }
}

fn drops(hook: &str, rule: &str) -> String {
    format!(
        "flush ruleset\ntable inet filter {{\n chain drops {{\n type filter hook {hook} priority filter\n \
         {rule}\n }}\n}}\n"
    )
}

#[test]
fn the_firewall_is_named_over_both_families_without_a_link_layer() {
    if !skip::is_root() {
        return;
    }
    let laboratory = Laboratory::new(&[]);
    let provider = &laboratory.provider;
    provider.sysctl("net.ipv4.icmp_ratelimit=1000");
    for rule in ["drop", "reject with icmpx port-unreachable", "reject with tcp reset"] {
        provider.firewall(&drops("input", &format!("tcp dport {PORTS} {rule}")));
        for family in ["4", "6"] {
            let report = laboratory.verify(&format!("{PORTS} --family {family}"));
            let line = provider.interface_with("203.0.113.9");
            let group = format!("{PORTS} this machine's firewall blocks it; it arrived at {line}");
            assert_eq!(report.status, Some(1), "{rule}, {family}: {}", report.text);
            assert!(report.flowing().contains(&group), "{rule}, {family}: {}", report.text);
        }
    }
    provider.firewall("flush ruleset\n");
    laboratory.internet.backbone.firewall(&drops("forward", &format!("tcp dport {PORTS} drop")));
    for family in ["4", "6"] {
        let report = laboratory.verify(&format!("{PORTS} --family {family}"));
        let text = report.flowing();
        assert!(text.contains("so its firewall is not the cause"), "{family}: {}", report.text);
        assert!(!text.contains("on this machine stops them"), "{family}: {}", report.text);
    }
}

/// Scattered ports: more ranges than a filter knows. Half of them are blocked.
#[test]
fn every_one_of_two_thousand_ports_has_its_sights() {
    if !skip::is_root() {
        return;
    }
    const BLOCKED: u64 = 20_000;
    let laboratory = Laboratory::new(&[
        "--rate-per-minute=0",
        "--target-rate-per-minute=0",
        // A busy machine takes a while to answer all of them.
        "--check-timeout=3",
    ]);
    laboratory.provider.firewall(&drops("input", &format!("tcp dport 1-{} drop", BLOCKED - 1)));
    let scattered: Vec<String> =
        (0..2000).map(|index| (BLOCKED - 10_000 + index * 10).to_string()).collect();
    let scattered = scattered.join(",");
    for (ports, name) in [("19000-20999", "in a row"), (scattered.as_str(), "scattered")] {
        let report = laboratory.verify(&format!("{ports} --json --family 4"));
        let family = &report.json()["families"][0];
        assert_eq!(family["watch"]["lost"], 0, "{name}");
        let ports = family["ports"].as_array().expect("ports");
        assert_eq!(ports.len(), 2000, "{name}");
        for port in ports {
            let is_blocked = port["port"].as_u64() < Some(BLOCKED);
            let expected = if is_blocked { "blocked_here" } else { "proven" };
            assert_eq!(port["verdict"], expected, "{name}: {port:#}");
            assert_eq!(port["sights"]["peers"][0]["peer"], "198.51.100.1", "{name}: {port:#}");
        }
    }
}
