//! Each situation gets the advice that helps in it.

use port_checker_api::{Icmp, IcmpMessage, PortDetails, PortResult, Reason};

use super::{
    uplinks::line,
    whereabouts::{INSIDE, OUTSIDE, advice, closed, family, ip, of, open, port, router, sights},
    *,
};
use crate::{
    facts::{Arrivals, Process, Watch},
    host::PointToPointKind,
    router::{MappingEntry, RouterFacts},
    sights::Sights,
};

/// A machine whose one port is held by `local`, and was found so.
fn behind_nat(local: Local, answer: Option<PortResult>) -> FamilyFacts {
    family(OUTSIDE, vec![port(7466, local, answer)])
}

/// The same with its own public address.
fn direct(address: &str, local: Local, answer: Option<PortResult>) -> FamilyFacts {
    let host = Host { addresses: vec![ip(address)], ..Host::default() };
    FamilyFacts { host: Some(host), ..family(address, vec![port(7466, local, answer)]) }
}

/// A port of another machine.
fn elsewhere(answer: Option<PortResult>) -> FamilyFacts {
    let mut facts = FamilyFacts { host: None, ..behind_nat(Local::Bound, answer) };
    facts.ports[0].local = None;
    facts
}

fn through_tunnel(mut facts: FamilyFacts) -> FamilyFacts {
    facts.host.as_mut().unwrap().point_to_point = Some(line("tun0", PointToPointKind::Tunnel));
    facts
}

fn behind_provider(mut facts: FamilyFacts) -> FamilyFacts {
    facts.host.as_mut().unwrap().outbound = Some(ip("100.64.0.10"));
    facts
}

fn behind_two_routers(facts: FamilyFacts) -> FamilyFacts {
    with_router(facts, router(Some("8.8.4.4"), MappingEntry::Unknown))
}

fn with_router(facts: FamilyFacts, router: RouterFacts) -> FamilyFacts {
    FamilyFacts { router: Some(router), ..facts }
}

fn mapped_to(to: &str) -> RouterFacts {
    let (to, description) = (to.parse().unwrap(), String::new());
    router(Some(OUTSIDE), MappingEntry::Mapped { to, description, enabled: true })
}

/// The packets of the port were watched, and `sights` is what came.
fn watched(mut facts: FamilyFacts, sights: Option<Sights>) -> FamilyFacts {
    facts.ports[0].sights = sights;
    FamilyFacts { watch: Watch::Yes { lost: 0 }, ..facts }
}

fn without_packets(facts: FamilyFacts) -> FamilyFacts {
    watched(facts, sights(false, false, None))
}

fn unwatched(facts: FamilyFacts) -> FamilyFacts {
    FamilyFacts { watch: Watch::NotPermitted, ..facts }
}

fn arrived(mut facts: FamilyFacts, arrivals: Arrivals) -> FamilyFacts {
    facts.ports[0].arrivals = arrivals;
    facts
}

/// A refusal by an ICMP message of this sender.
pub(super) fn with_icmp(answer: PortResult, from: &str) -> PortResult {
    let icmp = Icmp { message: IcmpMessage::PortUnreachable, from: ip(from) };
    let reason = answer.error.as_deref().and_then(Reason::from_text).map(Into::into);
    let details =
        PortDetails { reason, attempts: 1, connect_ms: 1.0, challenge: None, icmp: Some(icmp) };
    PortResult { details: Some(details), ..answer }
}

fn in_use(listens_on: &[&str]) -> Local {
    let by = Some(Process { pid: 7, name: "nginx".to_owned() });
    Local::InUse { by, listens_on: listens_on.iter().map(|text| ip(text)).collect(), waiting: 0 }
}

/// Fails unless the advice in each situation contains its text.
fn assert_advice(cases: impl IntoIterator<Item = (FamilyFacts, &'static str)>) {
    for (facts, expected) in cases {
        let diagnosis = of(facts);
        assert!(advice(&diagnosis).contains(expected), "{expected}: {}", advice(&diagnosis));
    }
}

#[test]
fn a_port_that_cannot_be_listened_on() {
    let error = "Too many open files".to_owned();
    assert_advice([
        (
            behind_nat(Local::Failed { error }, closed(Reason::Refused)),
            "This machine cannot listen there: Too many open files.",
        ),
        (behind_nat(Local::NotPermitted, closed(Reason::Refused)), "setcap cap_net_bind_service"),
    ]);
}

#[test]
fn a_port_that_is_refused() {
    use Local::Bound;
    let refused = || closed(Reason::Refused);
    assert_advice([
        (behind_nat(in_use(&["127.0.0.1", "127.0.0.2"]), refused()), "loopback address only"),
        (behind_nat(in_use(&[]), refused()), "net.ipv4.ip_local_reserved_ports"),
        (
            behind_nat(in_use(&["127.0.0.1", INSIDE]), refused()),
            "Let it forward TCP to the same port of 192.168.1.10 (this machine).",
        ),
        (
            behind_nat(Bound, refused()),
            "The router forwards to a machine or a port where nothing listens, or has no forward and refuses by \
             itself. Let it forward TCP to the same port of \
             192.168.1.10 (this machine).",
        ),
        (
            behind_provider(behind_nat(Bound, refused())),
            "Behind carrier-grade NAT, which is likely",
        ),
        (behind_two_routers(behind_nat(Bound, refused())), "No forward in your router alone"),
        (through_tunnel(behind_nat(Bound, refused())), "see above for what to do instead"),
        (
            direct(OUTSIDE, Bound, refused()),
            "A firewall refuses the connections before they reach our listener. Allow incoming",
        ),
        (
            without_packets(direct(OUTSIDE, Bound, refused())),
            "so its firewall is not the cause. A firewall before this machine refuses the connections",
        ),
        (unwatched(direct(OUTSIDE, Bound, refused())), "provider's. Run as root"),
        (direct(OUTSIDE, in_use(&[OUTSIDE]), refused()), "Start the service, on all addresses"),
        (elsewhere(refused()), "Start the service, on all addresses"),
    ]);
}

/// The firewall of this machine is suspected only where the connections may have reached it unseen.
#[test]
fn a_rejection_is_blamed_on_whom_the_facts_leave() {
    use Local::Bound;
    let rejected = || closed(Reason::HostUnreachable);
    let by = |from| rejected().map(|answer| with_icmp(answer, from));
    const A_ROUTER: &str = "A router on the way";
    const HERE_TOO: &str = "this machine's firewall";
    const NOT_HERE: &str = "so its firewall is not the cause";
    let cases: [(_, &[&str], &[&str], _); 9] = [
        (behind_nat(Bound, rejected()), &[A_ROUTER, HERE_TOO], &[], "a router translates"),
        (without_packets(behind_nat(Bound, rejected())), &[A_ROUTER], &[HERE_TOO], "nothing came"),
        (behind_nat(in_use(&[INSIDE]), rejected()), &[A_ROUTER, HERE_TOO], &[], "a program's port"),
        (elsewhere(rejected()), &[A_ROUTER], &[HERE_TOO], "another machine"),
        (
            direct(OUTSIDE, Bound, rejected()),
            &[HERE_TOO, "in the provider's"],
            &["router"],
            "no router translates, and the checker names nobody",
        ),
        (unwatched(direct(OUTSIDE, Bound, rejected())), &["Run as root"], &["router"], "root can"),
        (
            without_packets(direct(OUTSIDE, Bound, rejected())),
            &[NOT_HERE, "before this machine rejects"],
            &["router"],
            "nothing came to this machine",
        ),
        (
            direct("2001:db8::7", Bound, rejected()),
            &[HERE_TOO, "the router's firewall for IPv6"],
            &[A_ROUTER],
            "over IPv6 a router may be the firewall",
        ),
        (
            direct(OUTSIDE, Bound, by("203.0.113.254")),
            &["203.0.113.254, on the way to this machine, says"],
            &[HERE_TOO],
            "the checker names the sender",
        ),
    ];
    for (facts, contained, absent, why) in cases {
        let diagnosis = of(facts);
        let advice = advice(&diagnosis);
        assert!(contained.iter().all(|text| advice.contains(text)), "{why}: {advice}");
        assert!(!absent.iter().any(|text| advice.contains(text)), "{why}: {advice}");
        let summary = &diagnosis.families[0].ports[0].summary;
        assert!(summary.starts_with("rejected on the way"), "{why}: {summary}");
    }
}

#[test]
fn a_connection_that_reached_this_machine() {
    let silent = || behind_nat(Local::Bound, closed(Reason::TimedOut));
    let half_open = || Arrivals { half_open: vec![ip("198.51.100.1")], ..Arrivals::default() };
    assert_advice([
        (
            watched(silent(), sights(true, false, None)),
            "came in at eth0 from 198.51.100.1, which may or may not be the checker, and a firewall on this machine stops them (nftables, iptables, ufw or firewalld). Allow \
             incoming TCP connections there. The router forwards it already.",
        ),
        (
            watched(silent(), sights(true, true, None)),
            "The answers left this machine and did not get to the checker.",
        ),
        (
            arrived(watched(silent(), sights(true, false, None)), half_open()),
            "The answers did not leave this machine",
        ),
        (arrived(silent(), half_open()), "about outgoing packets, here or in the router"),
    ]);
    let reachable = direct(OUTSIDE, Local::Bound, closed(Reason::TimedOut));
    let reachable = of(watched(reachable, sights(true, false, None)));
    assert!(!advice(&reachable).contains("router"), "{}", advice(&reachable));
}

#[test]
fn a_port_where_nothing_arrived() {
    let silent = || behind_nat(Local::Bound, closed(Reason::TimedOut));
    let here = || mapped_to("192.168.1.10:7466");
    let there = || mapped_to("192.168.1.20:7466");
    assert_advice([
        (
            unwatched(silent()),
            "Let the router forward TCP to 192.168.1.10 (this machine). If it does already, allow incoming TCP \
             connections in this machine's firewall; and if there is a second router before it, that one must forward \
             to the first. Run as root",
        ),
        (
            without_packets(silent()),
            "so its firewall is not the cause. Let the router forward TCP to 192.168.1.10 (this machine); if there is \
             a second router",
        ),
        (
            unwatched(with_router(silent(), here())),
            "in this machine, in the router, or at the provider. Run as root",
        ),
        (
            without_packets(with_router(silent(), here())),
            "and passes nothing on: look for a firewall rule in the router, or at the provider.",
        ),
        (
            without_packets(with_router(silent(), there())),
            "The router maps this port to 192.168.1.20:7466, another machine. Let \
             it forward the port to 192.168.1.10 (this machine).",
        ),
        (behind_provider(silent()), "Behind carrier-grade NAT, which is likely"),
        (behind_two_routers(silent()), "No forward in your router alone"),
        (through_tunnel(silent()), "unless it is the other end of the line"),
    ]);
}

#[test]
fn a_silent_port_of_a_public_address() {
    let silent = |address: &str| direct(address, Local::Bound, closed(Reason::TimedOut));
    const V6: &str = "2001:db8::7";
    assert_advice([
        (
            unwatched(silent(OUTSIDE)),
            "drops the connections before they reach us. Allow incoming TCP connections in this machine's firewall \
             and, in a data centre, in the provider's. Run as root",
        ),
        (unwatched(silent(V6)), "the router's firewall for IPv6; in a data centre"),
        (
            without_packets(silent(OUTSIDE)),
            "is not the cause. A firewall before this machine drops the connections: in a data centre",
        ),
        (without_packets(silent(V6)), "There is no NAT over IPv6: it must admit the connections"),
    ]);
}

/// There was no listener of the verification: only packets could show that nothing came.
#[test]
fn a_silent_port_that_another_program_holds() {
    let silent = || behind_nat(in_use(&["0.0.0.0"]), closed(Reason::TimedOut));
    let public = || direct(OUTSIDE, in_use(&["0.0.0.0"]), closed(Reason::TimedOut));
    assert_advice([
        (
            silent(),
            "Nothing came back: let the router forward TCP to 192.168.1.10 (this machine), and the",
        ),
        (without_packets(silent()), "Nothing came to any interface of this machine"),
        (public(), "Nothing came back: a firewall drops the packets. Allow incoming TCP"),
        (behind_provider(silent()), "Behind carrier-grade NAT, which is likely"),
        (behind_two_routers(silent()), "No forward in your router alone"),
        (through_tunnel(silent()), "unless it is the other end of the line"),
        (
            elsewhere(closed(Reason::TimedOut)),
            "or the router before the host does not forward the ports.",
        ),
    ]);
}

#[test]
fn a_port_that_something_else_answered() {
    let failed = || closed(Reason::ChallengeFailed);
    let visited = Arrivals { connections: 1, ..Arrivals::default() };
    let words =
        Some(PortResult { accessible: false, error: Some("EHOSTDOWN".into()), details: None });
    let invented = arrived(behind_nat(Local::Bound, open()), Arrivals::default());
    assert_advice([
        (
            behind_nat(Local::Bound, failed()),
            "Let the router forward TCP to 192.168.1.10 (this machine).",
        ),
        (arrived(behind_nat(Local::Bound, failed()), visited), "A proxy, load balancer or virus"),
        (invented, "the router should forward to 192.168.1.10 (this machine)"),
        (behind_nat(Local::Bound, closed(Reason::Reset)), "accepts connections and hangs up"),
        (behind_nat(Local::Bound, words), "Those are the checker's own words"),
    ]);
}
