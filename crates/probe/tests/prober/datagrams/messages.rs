//! Messages of routers about datagrams, and those that this machine makes up.

use super::*;

/// The result of one attempt within a namespace.
fn judged_within(namespace: &Namespace, ip: IpAddr) -> Result<Finding, Fault> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let policy = Policy { targets: Targets::Any, ..Policy::default() };
    let prober = Prober::new(ProbeSettings { timeout: LONG, ..settings(1) }, Budget::new(1));
    let judged = async {
        let ports = vec![Port::new(7466).expect("not 0")];
        let target = policy.vet(ip, ip, ports).expect("any target");
        check(&prober, target).next().await.expect("one port")
    };
    namespace.within(|| runtime.block_on(judged))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A checker with a router behind which there is nothing.
fn checker_and_router() -> (Namespace, Namespace) {
    let (checker, router) = (Namespace::new(), Namespace::new());
    let (near, far) = (["192.0.2.1/24", "2001:db8::1/64"], ["192.0.2.254/24", "2001:db8::fe/64"]);
    checker.cable(&near, &router, &far);
    router.become_router();
    checker.ip(&["route", "add", "default", "via", "192.0.2.254"]);
    checker.ip(&["-6", "route", "add", "default", "via", "2001:db8::fe"]);
    (checker, router)
}

const TARGETS: [(&str, &str); 2] =
    [("198.51.100.7", "192.0.2.254"), ("2001:db8:7::7", "2001:db8::fe")];

#[test]
fn a_router_that_knows_no_route_is_named() {
    if !skip::is_root() {
        return;
    }
    let (checker, _router) = checker_and_router();
    for (target, from) in TARGETS {
        let found = judged_within(&checker, ip(target)).expect("a router said so");
        assert_eq!(found.verdict, Verdict::NotOpen(Reason::NetworkUnreachable), "{target}");
        let icmp = found.icmp.expect("over ICMP");
        assert_eq!((icmp.message, icmp.from), (IcmpMessage::NetworkUnreachable, ip(from)));
    }
}

#[test]
fn a_router_that_prohibits_is_named() {
    const RULES: &str = "
table inet prohibits {
    chain forward {
        type filter hook forward priority filter
        udp dport 7466 reject with icmpx admin-prohibited
    }
}";
    if !skip::is_root() {
        return;
    }
    let (checker, router) = checker_and_router();
    router.firewall(RULES);
    let (near, far) = (["198.51.100.1/24", "2001:db8:7::1/64"], ["198.51.100.7/24"]);
    let target = Namespace::new();
    router.cable(&near, &target, &far);
    for (target, from) in TARGETS {
        let found = judged_within(&checker, ip(target)).expect("a router said so");
        assert_eq!(found.verdict, Verdict::NotOpen(Reason::HostUnreachable), "{target}");
        let icmp = found.icmp.expect("over ICMP");
        let message = IcmpMessage::AdministrativelyProhibited;
        assert_eq!((icmp.message, icmp.from), (message, ip(from)));
    }
}

/// "No route to host" here means that the next machine does not answer, which may be the checker's own gateway.
#[test]
fn a_gateway_that_does_not_answer_is_a_fault() {
    if !skip::is_root() {
        return;
    }
    let (checker, other) = (Namespace::new(), Namespace::new());
    checker.cable(&["192.0.2.1/24", "2001:db8::1/64"], &other, &["192.0.2.254/24"]);
    checker.ip(&["route", "add", "default", "via", "192.0.2.77"]);
    checker.ip(&["-6", "route", "add", "default", "via", "2001:db8::77"]);
    for family in ["ipv4", "ipv6"] {
        for setting in ["retrans_time_ms=10", "mcast_solicit=1"] {
            let interface = checker.interface_with("192.0.2.1");
            checker.sysctl(&format!("net.{family}.neigh.{interface}.{setting}"));
        }
    }
    for (target, _) in TARGETS {
        let fault = judged_within(&checker, ip(target)).expect_err("nothing is known about it");
        assert_eq!(fault.kind(), FaultKind::Route, "{fault}");
    }
}

#[test]
fn a_machine_without_a_route_gives_no_verdict() {
    if !skip::is_root() {
        return;
    }
    let checker = Namespace::new();
    for (target, _) in TARGETS {
        let fault = judged_within(&checker, ip(target)).expect_err("nothing is known about it");
        assert_eq!(fault.kind(), FaultKind::Route, "{fault}");
    }
}

/// Its own firewall drops or rejects what the checker sends.
#[test]
fn a_firewall_of_the_checkers_own_gives_no_verdict() {
    if !skip::is_root() {
        return;
    }
    for action in ["drop", "reject with icmpx host-unreachable"] {
        let (checker, _router) = checker_and_router();
        checker.firewall(&format!(
            "table inet own {{
                chain output {{
                    type filter hook output priority filter
                    udp dport 7466 {action}
                }}
            }}"
        ));
        for (target, _) in TARGETS {
            let fault = judged_within(&checker, ip(target)).expect_err("nothing is known");
            let expected = [FaultKind::Permission, FaultKind::Route];
            assert!(expected.contains(&fault.kind()), "{action}: {fault}");
        }
    }
}

/// This machine speaks here as the target, and not as the checker.
#[test]
fn a_rejection_by_the_target_is_a_verdict_on_this_machine_too() {
    const RULES: &str = "
table inet rejects {
    chain input {
        type filter hook input priority filter
        udp dport 7466 reject with icmpx host-unreachable
    }
}";
    if !skip::is_root() {
        return;
    }
    let namespace = Namespace::new();
    namespace.firewall(RULES);
    for ip in [V4, V6] {
        let found = judged_within(&namespace, ip).expect("a verdict");
        assert_eq!(found.verdict, Verdict::NotOpen(Reason::HostUnreachable), "{ip}");
        let icmp = found.icmp.expect("it says so over ICMP");
        assert_eq!((icmp.message, icmp.from), (IcmpMessage::HostUnreachable, ip));
    }
}
