//! Namespaces around a prober that is tried over TCP and over UDP.

use port_checker_probe::{IcmpMessage, Targets};
use port_checker_testbed::namespace::Namespace;
use tokio::runtime::{self, Runtime};

use super::*;

/// Addresses behind the router, each with that of the router over its family.
pub(super) const TARGETS: [(&str, &str); 2] =
    [("198.51.100.7", "192.0.2.254"), ("2001:db8:7::7", "2001:db8::fe")];

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A port of any address.
pub(super) fn any_target(ip: IpAddr, port: u16) -> Target {
    let policy = Policy { targets: Targets::Any, ..Policy::default() };
    policy.vet(ip, ip, vec![Port::new(port).expect("not 0")]).expect("any target")
}

/// A runtime on one thread, which may enter a namespace.
pub(super) fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A checker with a router behind which there is nothing.
pub(super) fn checker_and_router() -> (Namespace, Namespace) {
    let (checker, router) = (Namespace::new(), Namespace::new());
    let (near, far) = (["192.0.2.1/24", "2001:db8::1/64"], ["192.0.2.254/24", "2001:db8::fe/64"]);
    checker.cable(&near, &router, &far);
    router.become_router();
    checker.ip(&["route", "add", "default", "via", "192.0.2.254"]);
    checker.ip(&["-6", "route", "add", "default", "via", "2001:db8::fe"]);
    (checker, router)
}

/// A checker whose gateway is not there, and another machine on its link.
pub(super) fn checker_without_its_gateway() -> (Namespace, Namespace) {
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
    (checker, other)
}

/// A machine that rejects what comes to a port over a protocol of nft(8).
pub(super) fn rejecting(protocol: &str, port: u16) -> Namespace {
    let namespace = Namespace::new();
    namespace.firewall(&format!(
        "
table inet rejects {{
    chain input {{
        type filter hook input priority filter
        {protocol} dport {port} reject with icmpx host-unreachable
    }}
}}"
    ));
    namespace
}

/// Fails unless a verdict is that of [`rejecting`].
pub(super) fn assert_rejected(found: &Finding, ip: IpAddr) {
    assert_eq!(found.verdict, Verdict::NotOpen(Reason::HostUnreachable), "{ip}");
    let icmp = found.icmp.expect("it says so over ICMP");
    assert_eq!((icmp.message, icmp.from), (IcmpMessage::HostUnreachable, ip));
}
