//! Checkers and strangers on the links of this machine: they show nothing about the Internet.

use port_checker_api::{PortResult, Reason};

use super::{
    whereabouts::{INSIDE, OUTSIDE, advice, closed, family, ip, kinds, of, open, port, silent},
    *,
};
use crate::{
    facts::Watch,
    sights::{LocalRejection, Sights},
};

/// A neighbour at 203.0.113.7/24.
const NEIGHBOUR: &str = "203.0.113.200";
const FAR: &str = "198.51.100.1";

/// A machine that has the address which is seen, in a network; its checker is at `peer`.
fn direct(seen: &str, network: &str, peer: &str, answer: Option<PortResult>) -> FamilyFacts {
    let mut facts = family(seen, vec![port(7466, Local::Bound, answer)]);
    facts.host = Some(Host {
        addresses: vec![ip(seen)],
        networks: vec![network.parse().unwrap()],
        ..Host::default()
    });
    facts.checkers[0].peer = Some(ip(peer));
    if facts.ports[0].arrivals.connections > 0 {
        facts.ports[0].arrivals.from = vec![ip(peer)];
    }
    facts
}

#[test]
fn a_checker_on_the_same_link_proves_that_network_only() {
    use Outcome::{Accessible, LocalOnly};
    let (v4, v6) = ("203.0.113.0/24", "2001:db8::/64");
    let cases = [
        (OUTSIDE, v4, NEIGHBOUR, LocalOnly, "a rack with public addresses"),
        (OUTSIDE, "203.0.113.0/29", NEIGHBOUR, Accessible, "beyond its network"),
        (OUTSIDE, v4, FAR, Accessible, "beyond the router"),
        (OUTSIDE, v4, OUTSIDE, LocalOnly, "this machine itself"),
        ("2001:db8::7", v6, "2001:db8::1", LocalOnly, "a home with IPv6"),
        ("2001:db8::7", v6, "2001:db8:0:1::1", Accessible, "the next network"),
    ];
    for (seen, network, peer, outcome, why) in cases {
        let diagnosis = of(direct(seen, network, peer, open()));
        assert_eq!(diagnosis.outcome, outcome, "{why}");
        let expected: &[&str] = if outcome == LocalOnly { &["same_network"] } else { &[] };
        assert_eq!(kinds(&diagnosis), expected, "{why}");
    }
    let carriers = of(direct("100.64.0.10", "192.168.1.0/24", "100.99.3.4", open()));
    assert_eq!(carriers.outcome, LocalOnly, "nothing on the Internet can be sent to the address");
    let notice = carriers.notices[0].to_string();
    assert!(notice.contains("in the same network of a provider, or the same VPN"), "{notice}");
    let notice = |peer| of(direct(OUTSIDE, v4, peer, open())).families[0].notices[0].to_string();
    let neighbour =
        "The checker at 203.0.113.200 is in the same network as this machine (203.0.113.0/24)";
    assert!(notice(NEIGHBOUR).starts_with(neighbour), "{}", notice(NEIGHBOUR));
    assert!(notice(OUTSIDE).starts_with("The checker at 203.0.113.7 is on this machine"));
}

/// It sees what neighbours see, and no router stands between.
#[test]
fn what_a_checker_on_the_same_link_does_not_reach_is_not_blamed_on_a_router() {
    for (seen, network, peer) in
        [(OUTSIDE, "203.0.113.0/24", NEIGHBOUR), ("2001:db8::7", "2001:db8::/64", "2001:db8::1")]
    {
        for reason in [Reason::TimedOut, Reason::Refused, Reason::HostUnreachable] {
            let mut facts = direct(seen, network, peer, closed(reason));
            facts.watch = Watch::NotPermitted;
            let diagnosis = of(facts);
            assert_eq!(diagnosis.outcome, Outcome::NotAccessible);
            assert_eq!(kinds(&diagnosis), ["same_network"]);
            let advice = advice(&diagnosis);
            assert!(advice.contains("this machine's firewall"), "{advice}");
            assert!(advice.contains("Run as root") && !advice.contains("router"), "{advice}");
        }
    }
}

#[test]
fn a_checker_on_the_same_link_does_not_count_beside_one_outside() {
    let mut facts = direct(OUTSIDE, "203.0.113.0/24", FAR, closed(Reason::TimedOut));
    let near = CheckerFacts {
        url: "http://near".to_owned(),
        peer: Some(ip(NEIGHBOUR)),
        ..facts.checkers[0].clone()
    };
    facts.checkers.push(near);
    facts.ports[0].answers.push(open());
    let diagnosis = of(facts);
    assert_eq!(diagnosis.outcome, Outcome::NotAccessible);
    assert_eq!(kinds(&diagnosis), ["local_checker"]);
}

/// Another host that connects to a port while a checker of the local network does is not that checker.
#[test]
fn a_stranger_does_not_make_a_checker_of_the_local_network_one_outside() {
    let lan = |peer: &str, answer: Option<PortResult>, from: &[&str]| {
        let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, answer)]);
        facts.checkers[0].peer = Some(ip(peer));
        facts.ports[0].arrivals.from = from.iter().map(|from| ip(from)).collect();
        facts
    };
    let hairpin = lan("192.168.1.1", open(), &[OUTSIDE, FAR]);
    assert_eq!(of(hairpin).outcome, Outcome::LocalOnly, "the router translates its connections");
    let passed_on = lan("192.168.1.1", open(), &[FAR]);
    assert_eq!(of(passed_on).outcome, Outcome::Accessible, "it probes from outside");
    let mut silent = lan("192.168.1.1", closed(Reason::TimedOut), &[]);
    silent.ports[0].arrivals.half_open = vec![ip(FAR)];
    assert!(kinds(&of(silent)).contains(&"lan_checker"), "anybody may have begun it");
}

/// A silent port at which a connection of `peer` was seen.
fn knocked(peer: &str, rejection: Option<LocalRejection>) -> FamilyFacts {
    let mut facts = silent();
    facts.watch = Watch::Yes { lost: 0 };
    facts.checkers[0].peer = Some(ip(FAR));
    let host = facts.host.as_mut().unwrap();
    host.networks = vec!["192.168.1.0/24".parse().unwrap(), "198.18.0.0/24".parse().unwrap()];
    let sights = facts.ports[0].sights.insert(Sights::default());
    sights.arrived(|| "eth0".to_owned(), ip(peer));
    if let Some(rejection) = rejection {
        sights.rejected(ip(peer), rejection);
    }
    facts
}

#[test]
fn a_neighbour_who_knocks_is_hardly_a_checker_of_the_internet() {
    for peer in ["192.168.1.77", "198.18.0.77"] {
        let neighbour = of(knocked(peer, None));
        let port = &neighbour.families[0].ports[0];
        assert_eq!(port.verdict, PortVerdict::NothingArrived);
        assert_eq!(port.summary, "timed out", "something did arrive");
        let text = advice(&neighbour);
        assert!(text.contains("Let the router forward TCP to 192.168.1.10"), "{text}");
        assert!(
            text.contains(&format!("A connection of {peer}, a machine of the local")),
            "{text}"
        );
        assert!(text.contains("Only if that machine passes on"), "{text}");
        assert!(!text.contains("is not the cause"), "{text}");
    }
    for (peer, why) in [("192.168.1.1", "the router may translate"), ("192.0.2.66", "a stranger")] {
        let port = &of(knocked(peer, Some(LocalRejection::Icmp))).families[0].ports[0].clone();
        assert_eq!(port.verdict, PortVerdict::BlockedHere, "{why}");
        let expected = "likely this machine's firewall blocks it; a connection arrived at eth0";
        assert_eq!(port.summary, expected, "{why}");
        let forwards = port.advice.as_deref().unwrap().contains("The router forwards it already");
        assert_eq!(forwards, peer == "192.0.2.66", "only from outside it came through the router");
    }
    let certain = of(knocked(FAR, None)).families[0].ports[0].summary.clone();
    assert_eq!(certain, "this machine's firewall blocks it; it arrived at eth0");
}

/// A checker of the local network may be any neighbour.
#[test]
fn neighbours_count_where_a_checker_is_one() {
    let mut facts = knocked("192.168.1.77", None);
    facts.checkers[0].peer = Some(ip("192.168.1.1"));
    let diagnosis = of(facts);
    let port = &diagnosis.families[0].ports[0];
    assert_eq!(port.verdict, PortVerdict::BlockedHere);
    assert!(port.summary.starts_with("likely"), "{}", port.summary);
}

/// A machine of the local network seldom connects in the name of a checker.
#[test]
fn a_half_open_connection_of_a_neighbour_is_not_the_checkers() {
    for (peer, verdict) in
        [("192.168.1.77", PortVerdict::NothingArrived), ("192.0.2.66", PortVerdict::AnswersLost)]
    {
        let mut facts = knocked(peer, None);
        facts.ports[0].sights = None;
        facts.ports[0].arrivals.half_open = vec![ip(peer)];
        assert_eq!(of(facts).families[0].ports[0].verdict, verdict, "{peer}");
    }
}

/// It is the stranger who may be the checker.
#[test]
fn a_neighbour_is_left_out_beside_a_stranger() {
    let mut both = knocked("192.168.1.77", None);
    both.ports[0].sights.as_mut().unwrap().arrived(|| "eth0".to_owned(), ip("192.0.2.66"));
    let diagnosis = of(both);
    let text = advice(&diagnosis);
    assert!(text.contains("came in at eth0 from 192.0.2.66, which may or may not be"), "{text}");
}

#[test]
fn a_checker_on_this_machine_shows_nothing_about_the_routers_address() {
    let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, open())]);
    facts.checkers[0].peer = Some(ip(INSIDE));
    assert!(kinds(&of(facts)).contains(&"lan_checker"));
}

/// What is asked at a public address of this machine may be the near end of a tunnel to a checker outside.
#[test]
fn a_checker_at_a_private_address_of_this_machine_does_not_count_beside_one_outside() {
    for (near, outcome) in [(INSIDE, Outcome::NotAccessible), (OUTSIDE, Outcome::Accessible)] {
        let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, closed(Reason::TimedOut))]);
        facts.host.as_mut().unwrap().addresses.push(ip(OUTSIDE));
        facts.checkers[0].peer = Some(ip(FAR));
        facts.checkers.push(CheckerFacts { peer: Some(ip(near)), ..facts.checkers[0].clone() });
        facts.ports[0].answers.push(open());
        facts.ports[0].arrivals.connections = 1;
        assert_eq!(of(facts).outcome, outcome, "{near}");
    }
}
