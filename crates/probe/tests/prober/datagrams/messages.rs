//! Messages of routers about datagrams, and those that this machine makes up.

use super::*;

/// The result of one attempt within a namespace.
fn judged_within(namespace: &Namespace, ip: IpAddr) -> Result<Finding, Fault> {
    let prober = Prober::new(ProbeSettings { timeout: LONG, ..settings(1) }, Budget::new(1));
    let judged = async { check(&prober, any_target(ip, 7466)).next().await.expect("one port") };
    namespace.within(|| runtime().block_on(judged))
}

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
    let (checker, _other) = checker_without_its_gateway();
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
    if !skip::is_root() {
        return;
    }
    let namespace = rejecting("udp", 7466);
    for ip in [V4, V6] {
        assert_rejected(&judged_within(&namespace, ip).expect("a verdict"), ip);
    }
}
