//! UDP ports in other places than behind one's own router.

use port_checker_testbed::{namespace::Namespace, skip};

use super::internet::{CHECKER, Internet, Report, attach, machine, masquerading_router};

#[test]
fn behind_two_routers_of_which_only_one_forwards_udp() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (outer, inner, provider) = (masquerading_router(), masquerading_router(), machine());
    attach(&outer, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&inner, &["10.0.0.2/24"], &outer, &["10.0.0.1/24"]);
    attach(&provider, &["192.168.1.10/24"], &inner, &["192.168.1.1/24"]);
    forward_udp(&inner, "10.0.0.2", "192.168.1.10");
    outer.firewall("table inet filter {\n chain input {\n type filter hook input priority filter\n udp dport 51820 drop\n }\n}\n");
    let _checker = internet.serve();
    let verify = || Report::of(&provider, &format!("verify 51820/udp --server {CHECKER}"));
    let report = verify();
    assert_eq!(report.status, Some(1), "{}", report.text);
    let text = report.flowing();
    assert!(text.contains("51820/udp timed out, and nothing arrived here"), "{}", report.text);
    assert!(text.contains("second router before it, that one must forward"), "{}", report.text);
    forward_udp(&outer, "203.0.113.7", "10.0.0.2");
    let report = verify();
    assert_eq!(report.status, Some(0), "what the advice says helps: {}", report.text);
}

fn forward_udp(router: &Namespace, address: &str, to: &str) {
    router.firewall(&format!(
        "table ip forwards {{\n chain prerouting {{\n type nat hook prerouting priority dstnat\n ip daddr {address} udp \
         dport 51820 dnat to {to}\n }}\n}}\n"
    ));
}

/// A machine with public addresses of both families, two of each: answers must leave from those that were asked.
#[test]
fn udp_directly_on_the_internet_with_several_addresses() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let interface = provider.interface_with("203.0.113.9");
    for address in ["203.0.113.77/24", "2001:db8:9::77/64"] {
        provider.ip(&["address", "add", address, "dev", &interface]);
    }
    let _checker = internet.serve();
    let report =
        Report::of(&provider, &format!("verify 51820/udp 50800-50809/udp --server {CHECKER}"));
    assert_eq!(report.status, Some(0), "{}", report.text);
    assert_eq!(
        report.text.matches("  50800-50809/udp, 51820/udp  reachable, proven ours").count(),
        2,
        "{}",
        report.text
    );
}

/// Over each family the firewall of this machine drops the datagrams on the way in, or the answers on the way out.
#[test]
fn a_firewall_drops_the_datagrams_of_one_family() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = internet.serve();
    let rules = [
        (
            "input",
            "udp dport",
            "this machine's firewall blocks it; it arrived at near",
            "Allow incoming UDP there.",
        ),
        (
            "output",
            "udp sport",
            "it arrived here, but our answers do not get out",
            "a firewall rule about outgoing UDP here",
        ),
    ];
    for (blocked, works, fails) in [("ipv4", "IPv6", "IPv4"), ("ipv6", "IPv4", "IPv6")] {
        for (chain, field, verdict, advice) in rules {
            provider.firewall(&format!(
                "flush ruleset\ntable inet filter {{\n chain {chain} {{\n type filter hook {chain} priority filter\n meta \
                 nfproto {blocked} {field} 51820 drop\n }}\n}}\n"
            ));
            let report = Report::of(&provider, &format!("verify 51820/udp --server {CHECKER}"));
            let text = report.flowing();
            assert_eq!(report.status, Some(1), "{}", report.text);
            for words in [
                "51820/udp reachable, proven ours",
                &format!("51820/udp {verdict}"),
                advice,
                &format!("{works} works and {fails} does not"),
            ] {
                assert!(text.contains(words), "{blocked} {chain}: {words}: {}", report.text);
            }
        }
    }
}

/// Their datagrams come within milliseconds of each other.
#[test]
fn a_thousand_udp_ports_over_the_long_line() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = internet.serve();
    let report = Report::of(&provider, &format!("verify 20000-20999/udp --server {CHECKER}"));
    assert_eq!(report.status, Some(0), "{}", report.text);
    let line = "  20000-20999/udp  reachable, proven ours\n";
    assert_eq!(report.text.matches(line).count(), 2, "{}", report.text);
}
