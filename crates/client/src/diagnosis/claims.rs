//! No sentence claims more than the facts show.

use port_checker_api::{PortResult, Reason};

use super::{
    sentences::with_icmp,
    uplinks::line as line_named,
    whereabouts::{
        INSIDE, OUTSIDE, advice, closed, family, ip, kinds, of, open, port, sights, silent,
    },
    *,
};
use crate::{
    facts::Watch,
    host::PointToPointKind,
    sights::{LocalRejection, Sights},
};

const INNOCENT: &str = "its firewall is not the cause";
const HERE_TOO: &str = "this machine's firewall";

/// The same, with packets watched and none seen.
fn watched(facts: FamilyFacts, lost: u32) -> FamilyFacts {
    let ports = facts.ports.into_iter();
    let ports = ports.map(|port| PortFacts { sights: sights(false, false, None), ..port });
    FamilyFacts { ports: ports.collect(), watch: Watch::Yes { lost }, ..facts }
}

#[test]
fn packets_that_were_lost_before_they_were_read_may_have_come() {
    for (lost, innocent) in [(0, true), (1, false)] {
        let diagnosis = of(watched(silent(), lost));
        assert_eq!(advice(&diagnosis).contains(INNOCENT), innocent, "{lost} lost");
        assert_eq!(advice(&diagnosis).contains(HERE_TOO), !innocent, "{lost} lost");
        assert_eq!(advice(&diagnosis).contains("Packets were lost"), !innocent, "{lost} lost");
        assert_eq!(diagnosis.families[0].watch, Watch::Yes { lost });
    }
}

#[test]
fn a_refusal_that_nobody_watched_may_be_this_machines() {
    for reason in [Reason::Refused, Reason::HostUnreachable] {
        let refused = || family(OUTSIDE, vec![port(7466, Local::Bound, closed(reason))]);
        let unknown = of(FamilyFacts { watch: Watch::NotPermitted, ..refused() });
        assert!(advice(&unknown).contains(HERE_TOO), "{}", advice(&unknown));
        assert!(advice(&unknown).contains("Run as root"), "{}", advice(&unknown));
        let known = of(watched(refused(), 0));
        assert!(!advice(&known).contains(HERE_TOO), "{}", advice(&known));
    }
}

#[test]
fn the_sender_of_an_icmp_message_decides_who_rejected() {
    let by = |from: &str, reason| Some(with_icmp(PortResult::not_accessible(reason), from));
    let cases = [
        (OUTSIDE, Reason::Refused, PortVerdict::BlockedHere, "this machine"),
        (OUTSIDE, Reason::HostUnreachable, PortVerdict::BlockedHere, "in other words"),
        ("198.51.100.254", Reason::Refused, PortVerdict::Rejected, "a router"),
    ];
    for (from, reason, expected, why) in cases {
        let mut direct = family(OUTSIDE, vec![port(7466, Local::Bound, by(from, reason))]);
        direct.host = Some(Host { addresses: vec![ip(OUTSIDE)], ..Host::default() });
        assert_eq!(of(direct).families[0].ports[0].verdict, expected, "{why}");
    }
    let nat = family(OUTSIDE, vec![port(7466, Local::Bound, by(OUTSIDE, Reason::Refused))]);
    assert_eq!(of(nat).families[0].ports[0].verdict, PortVerdict::Rejected, "the router's address");
}

#[test]
fn a_checker_in_the_local_network_tells_nothing_about_the_internet() {
    use PortVerdict::{Arrived, NoVerdict, NothingArrived};
    let cases = [
        ("192.168.1.1", open(), "192.168.1.1", Arrived, Outcome::LocalOnly, "hairpin"),
        ("192.168.1.1", open(), OUTSIDE, Arrived, Outcome::LocalOnly, "translated hairpin"),
        ("127.0.0.1", open(), INSIDE, Arrived, Outcome::LocalOnly, "on this machine"),
        ("127.0.0.1", open(), "198.51.100.1", Arrived, Outcome::Accessible, "through a tunnel"),
        ("198.51.100.1", open(), "192.168.1.1", Arrived, Outcome::Accessible, "outside"),
        ("192.168.1.1", closed(Reason::TimedOut), "", NoVerdict, Outcome::NoVerdict, "no hairpin"),
        (
            "198.51.100.1",
            closed(Reason::TimedOut),
            "",
            NothingArrived,
            Outcome::NotAccessible,
            "outside",
        ),
    ];
    for (peer, answer, from, verdict, outcome, why) in cases {
        let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, answer)]);
        facts.checkers[0].peer = Some(ip(peer));
        facts.ports[0].arrivals.from = from.parse().into_iter().collect();
        let diagnosis = of(facts);
        assert_eq!(diagnosis.families[0].ports[0].verdict, verdict, "{why}");
        assert_eq!(diagnosis.outcome, outcome, "{why}");
        let named = kinds(&diagnosis).contains(&"lan_checker");
        assert_eq!(
            named,
            ["hairpin", "translated hairpin", "on this machine", "no hairpin"].contains(&why)
        );
    }
    let mut lost = family(OUTSIDE, vec![port(7466, Local::Bound, closed(Reason::TimedOut))]);
    lost.checkers[0].peer = Some(ip("127.0.0.1"));
    lost.ports[0].arrivals.half_open = vec![ip("198.51.100.1")];
    assert!(!kinds(&of(lost)).contains(&"lan_checker"), "through a tunnel");

    let mut blocked = family(OUTSIDE, vec![port(7466, Local::Bound, closed(Reason::TimedOut))]);
    blocked.checkers[0].peer = Some(ip("192.168.1.1"));
    blocked.ports[0]
        .sights
        .insert(Sights::default())
        .arrived(|| "eth0".to_owned(), ip("192.168.1.1"));
    assert_eq!(of(blocked).outcome, Outcome::NotAccessible, "this machine's firewall is certain");
}

#[test]
fn the_router_is_not_blamed_for_what_came_through_it() {
    let v6 = || family("2001:db8::7", vec![port(7466, Local::Bound, open())]);
    let text = |sights| {
        let mut v4 = silent();
        v4.ports[0].sights = sights;
        let diagnosis = diagnose(Facts { quorum: 1, interrupted: false, families: vec![v4, v6()] });
        diagnosis.notices[0].to_string()
    };
    const FORWARDS: &str = "forwards in the router";
    assert!(text(None).contains(FORWARDS));
    assert!(text(sights(false, false, None)).contains(FORWARDS));
    for rejection in [None, Some(LocalRejection::Icmp)] {
        assert!(!text(sights(true, false, rejection)).contains(FORWARDS));
    }
}

#[test]
fn an_address_that_providers_share_is_likely_and_no_proof() {
    let with = |line: Option<(&str, _)>| {
        let mut facts = silent();
        let host = facts.host.as_mut().unwrap();
        host.outbound = Some(ip("100.64.0.10"));
        host.point_to_point = line.map(|(name, kind)| line_named(name, kind));
        of(facts)
    };
    for (line, kind, why) in [
        (None, "carrier_grade_nat", "no line"),
        (Some(("ppp0", PointToPointKind::Ppp)), "carrier_grade_nat", "the provider's own line"),
        (Some(("wwan0", PointToPointKind::Modem)), "carrier_grade_nat", "a mobile provider's"),
        (Some(("tun0", PointToPointKind::Tunnel)), "tunnel", "a VPN may use such addresses too"),
    ] {
        assert_eq!(kinds(&with(line)), [kind], "{why}");
    }
    let likely = with(None);
    assert!(advice(&likely).contains("which is likely"), "{}", advice(&likely));
    let notice = likely.families[0].notices[0].to_string();
    assert!(notice.contains("likely") && notice.contains("If so"), "{notice}");
}

#[test]
fn a_guard_is_placed_where_the_packets_were_last_seen() {
    let ports = |last: Option<Sights>| {
        let answers =
            (0..20).map(|index| if index < 10 { open() } else { closed(Reason::TimedOut) });
        let ports =
            answers.zip(20_000..).map(|(answer, number)| port(number, Local::Bound, answer));
        let mut ports: Vec<_> = ports.collect();
        for port in &mut ports[10..] {
            port.sights = last.clone();
        }
        ports
    };
    let cases = [
        (None, "in a router, at the provider, or on this machine"),
        (sights(false, false, None), "(in the router or at the provider)"),
        (sights(true, false, None), "(on this machine, such as fail2ban)"),
    ];
    for (last, place) in cases {
        let diagnosis = of(family(OUTSIDE, ports(last)));
        let notices = &diagnosis.families[0].notices;
        assert!(notices.iter().any(|notice| notice.to_string().contains(place)), "{notices:?}");
        let advice = diagnosis.families[0].ports[19].advice.clone().unwrap();
        assert!(!advice.contains("Let the router forward"), "{advice}");
    }
}

/// Its answer may have been lost at the watch, or the connection that was not answered at the checker.
#[test]
fn a_firewall_that_let_a_connection_pass_is_not_blamed_for_another() {
    for (connections, expected) in [(0, PortVerdict::BlockedHere), (1, PortVerdict::NothingArrived)]
    {
        let mut facts = silent();
        facts.ports[0].sights = sights(true, false, None);
        facts.ports[0].arrivals.connections = connections;
        assert_eq!(of(facts).families[0].ports[0].verdict, expected, "{connections} arrived");
    }
}

/// A guard is silent; a firewall that refuses the later ports is a rule about those.
#[test]
fn a_firewall_that_refuses_is_no_guard_against_scans() {
    for (reason, rejection, is_guard) in
        [(Reason::TimedOut, None, true), (Reason::Refused, Some(LocalRejection::Reset), false)]
    {
        let mut facts = family(OUTSIDE, vec![]);
        facts.ports = (20_000..20_010).map(|number| port(number, Local::Bound, open())).collect();
        let later = (20_010..20_020).map(|number| PortFacts {
            sights: sights(true, false, rejection),
            ..port(number, Local::Bound, closed(reason))
        });
        facts.ports.extend(later);
        let diagnosis = of(facts);
        assert_eq!(diagnosis.families[0].ports[19].verdict, PortVerdict::BlockedHere, "{reason:?}");
        assert_eq!(kinds(&diagnosis).contains(&"scan_guard"), is_guard, "{reason:?}");
    }
}

/// The first ports came through the same router.
#[test]
fn silence_after_many_answers_is_not_blamed_on_the_router_where_programs_hold_the_ports() {
    let in_use = || Local::InUse { by: None, listens_on: vec![ip("0.0.0.0")], waiting: 0 };
    let answers = (0..20).map(|index| if index < 10 { open() } else { closed(Reason::TimedOut) });
    let ports = answers.zip(20_000..).map(|(answer, number)| port(number, in_use(), answer));
    let diagnosis = of(family(OUTSIDE, ports.collect()));
    let port = &diagnosis.families[0].ports[19];
    assert_eq!(port.verdict, PortVerdict::TimedOut);
    let advice = port.advice.as_deref().unwrap();
    assert!(advice.contains("see above for the likely causes"), "{advice}");
    assert!(!advice.contains("router"), "{advice}");
}
