//! ICMP messages of routers on the way, and those that this machine makes up.

use port_checker_probe::{Icmp, IcmpMessage, Targets};
use port_checker_testbed::{namespace::Namespace, skip};

use super::*;

/// The result of one attempt within a namespace.
fn judged_within(namespace: &Namespace, ip: IpAddr) -> Result<Finding, Fault> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let policy = Policy { targets: Targets::Any, ..Policy::default() };
    let port = Port::new(7466).expect("not 0");
    let settings = ProbeSettings { timeout: Duration::from_secs(20), ..settings(1) };
    let prober = Prober::new(settings, Budget::new(1));
    let judged = async {
        let target = policy.vet(ip, ip, vec![port]).expect("any target");
        check(&prober, target, LONG).await.next().await.expect("one port")
    };
    namespace.within(|| runtime.block_on(judged))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn a_router_that_knows_no_route_is_named() {
    if !skip::is_root() {
        return;
    }
    let (checker, router) = (Namespace::new(), Namespace::new());
    let (near, far) = (["192.0.2.1/24", "2001:db8::1/64"], ["192.0.2.254/24", "2001:db8::fe/64"]);
    checker.cable(&near, &router, &far);
    router.become_router();
    checker.ip(&["route", "add", "default", "via", "192.0.2.254"]);
    checker.ip(&["-6", "route", "add", "default", "via", "2001:db8::fe"]);
    let cases = [("198.51.100.7", "192.0.2.254"), ("2001:db8:7::7", "2001:db8::fe")];
    for (target, from) in cases {
        let found = judged_within(&checker, ip(target)).expect("a router said so");
        let message = Some(Icmp { message: IcmpMessage::NetworkUnreachable, from: ip(from) });
        assert_eq!(found.verdict, Verdict::NotOpen(Reason::NetworkUnreachable), "{target}");
        assert_eq!(found.icmp, message, "{target}");
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
    for target in ["198.51.100.7", "2001:db8:7::7"] {
        let fault = judged_within(&checker, ip(target)).expect_err("nothing is known about it");
        assert_eq!(fault.kind(), FaultKind::Route, "{fault}");
    }
}
