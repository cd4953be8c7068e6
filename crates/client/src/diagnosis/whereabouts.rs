//! The diagnosis by the position of this machine, the packets at its interfaces and the router's account.

use std::net::IpAddr;

use port_checker_api::{Port, PortResult, Reason, Transport};

use super::*;
use crate::{
    facts::{Arrivals, Process, Watch},
    router::{MappedPort, MappingEntry, MappingTransport, RouterFacts},
    sights::{LocalRejection, Sights},
};

pub(super) const OUTSIDE: &str = "203.0.113.7";
pub(super) const INSIDE: &str = "192.168.1.10";
pub(super) const ROUTER: &str = "192.168.1.1";

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn closed(reason: Reason) -> Option<PortResult> {
    Some(PortResult::not_accessible(reason))
}

pub(super) fn open() -> Option<PortResult> {
    Some(PortResult::accessible())
}

pub(super) fn port(number: u16, local: Local, answer: Option<PortResult>) -> PortFacts {
    let arrivals = match &answer {
        Some(answer) if answer.accessible && local == Local::Bound => {
            Arrivals { connections: 1, ..Arrivals::default() }
        }
        _ => Arrivals::default(),
    };
    PortFacts {
        port: Port::new(number).unwrap(),
        transport: Transport::Tcp,
        local: Some(local),
        udp_holder: None,
        arrivals,
        sights: None,
        answers: vec![answer],
    }
}

/// A family that one checker sees at an address, on a machine behind a router.
pub(super) fn family(seen: &str, ports: Vec<PortFacts>) -> FamilyFacts {
    let seen = ip(seen);
    let host = Host {
        addresses: vec![ip(INSIDE)],
        outbound: Some(ip(INSIDE)),
        gateway: Some(ip(ROUTER)),
        ..Host::default()
    };
    FamilyFacts {
        family: Family::of(seen),
        asked_for: false,
        address_given: false,
        host: Some(host),
        watch: Watch::No,
        router: None,
        checkers: vec![CheckerFacts {
            url: "http://checker".to_owned(),
            address: Some(seen),
            peer: None,
            failure: None,
            attestations: Vec::new(),
        }],
        ports,
    }
}

pub(super) fn silent() -> FamilyFacts {
    family(OUTSIDE, vec![port(7466, Local::Bound, closed(Reason::TimedOut))])
}

pub(super) fn of(family: FamilyFacts) -> Diagnosis {
    diagnose(Facts { quorum: 1, interrupted: false, families: vec![family] })
}

pub(super) fn advice(diagnosis: &Diagnosis) -> &str {
    diagnosis.families[0].ports[0].advice.as_deref().unwrap()
}

pub(super) fn kinds(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.families[0].notices.iter().map(Notice::kind).collect()
}

pub(super) fn sights(
    interface: bool,
    answered: bool,
    rejection: Option<LocalRejection>,
) -> Option<Sights> {
    let (mut sights, checker) = (Sights::default(), ip("198.51.100.1"));
    if interface {
        sights.arrived(|| "eth0".to_owned(), checker);
    }
    if answered {
        sights.answered(checker);
    }
    if let Some(rejection) = rejection {
        sights.rejected(checker, rejection);
    }
    Some(sights)
}

#[test]
fn the_first_station_that_was_not_reached_decides() {
    use LocalRejection::{Icmp, Reset};
    let half_open = Arrivals { half_open: vec![ip("198.51.100.1")], ..Arrivals::default() };
    let none = Arrivals::default;
    let cases = [
        (None, none(), Reason::TimedOut, PortVerdict::NothingArrived, "not watched"),
        (
            sights(false, false, None),
            none(),
            Reason::TimedOut,
            PortVerdict::NothingArrived,
            "nothing",
        ),
        (sights(true, false, None), none(), Reason::TimedOut, PortVerdict::BlockedHere, "dropped"),
        (
            sights(true, false, Some(Reset)),
            none(),
            Reason::Refused,
            PortVerdict::BlockedHere,
            "reset",
        ),
        (
            sights(true, false, Some(Icmp)),
            none(),
            Reason::HostUnreachable,
            PortVerdict::BlockedHere,
            "rejected by ICMP",
        ),
        (
            sights(true, false, None),
            half_open,
            Reason::TimedOut,
            PortVerdict::AnswersLost,
            "not out",
        ),
        (sights(true, true, None), none(), Reason::TimedOut, PortVerdict::AnswersLost, "answered"),
        (
            sights(false, false, None),
            none(),
            Reason::Refused,
            PortVerdict::Refused,
            "refused before",
        ),
    ];
    for (sights, arrivals, reason, expected, why) in cases {
        let mut facts = silent();
        facts.ports[0] = PortFacts { sights, arrivals, ..port(7466, Local::Bound, closed(reason)) };
        assert_eq!(of(facts).families[0].ports[0].verdict, expected, "{why}");
    }
}

#[test]
fn advice_claims_no_more_than_the_facts_show() {
    let watched = |facts: FamilyFacts| {
        let ports = facts.ports.iter().cloned();
        let ports = ports.map(|port| PortFacts { sights: sights(false, false, None), ..port });
        FamilyFacts { ports: ports.collect(), watch: Watch::Yes { lost: 0 }, ..facts }
    };
    const INNOCENT: &str = "its firewall is not the cause";
    const ROOT: &str = "Run as root";
    let unknown = of(silent());
    assert!(!advice(&unknown).contains(INNOCENT) && !advice(&unknown).contains(ROOT));
    let not_permitted = of(FamilyFacts { watch: Watch::NotPermitted, ..silent() });
    assert!(advice(&not_permitted).contains(ROOT), "{}", advice(&not_permitted));
    let known = of(watched(silent()));
    assert!(advice(&known).contains(INNOCENT), "{}", advice(&known));
    let v6 = family("2001:db8::7", vec![port(7466, Local::Bound, closed(Reason::TimedOut))]);
    let direct = Host { addresses: vec![ip("2001:db8::7")], ..Host::default() };
    let v6 = of(watched(FamilyFacts { host: Some(direct), ..v6 }));
    assert!(advice(&v6).contains("There is no NAT over IPv6"), "{}", advice(&v6));
    assert!(!advice(&v6).contains("Let the router forward"), "{}", advice(&v6));
}

pub(super) fn router(wan: Option<&str>, entry: MappingEntry) -> RouterFacts {
    let mut facts = RouterFacts::new(ip(ROUTER), &[(7466, MappingTransport::Tcp)]);
    facts.wan_address = wan.map(ip);
    facts.ports = vec![MappedPort { port: 7466, transport: MappingTransport::Tcp, entry }];
    facts
}

#[test]
fn the_routers_account_decides_about_forwards() {
    let mapped = |to: &str| MappingEntry::Mapped {
        to: to.parse().unwrap(),
        description: String::new(),
        enabled: true,
    };
    let cases = [
        (None, MappingEntry::Unknown, "behind_nat", "Let the router forward TCP to 192.168.1.10"),
        (Some(OUTSIDE), MappingEntry::NotMapped, "behind_nat", "Let the router forward TCP"),
        (Some("8.8.4.4"), MappingEntry::NotMapped, "double_nat", "No forward in your router"),
        (
            Some(OUTSIDE),
            mapped("192.168.1.20:7466"),
            "behind_nat",
            "The router maps this port to 192.168.1.20:7466, another machine",
        ),
        (
            Some(OUTSIDE),
            mapped("192.168.1.10:7466"),
            "behind_nat",
            "The router has a mapping of this port to this machine. Look for a firewall rule in this machine",
        ),
    ];
    for (wan, entry, kind, text) in cases {
        let facts = FamilyFacts { router: Some(router(wan, entry)), ..silent() };
        let diagnosis = of(facts);
        assert_eq!(kinds(&diagnosis), [kind], "{text}");
        assert!(advice(&diagnosis).contains(text), "{text}: {}", advice(&diagnosis));
    }
    let works = family(OUTSIDE, vec![port(7466, Local::Bound, open())]);
    let works =
        of(FamilyFacts { router: Some(router(Some("8.8.4.4"), MappingEntry::Unknown)), ..works });
    assert_eq!(kinds(&works), ["behind_nat"], "a port that works proves that forwards can");
    assert!(works.families[0].notices[0].to_string().contains("forwarding works"));
}

#[test]
fn a_private_and_a_temporary_address_are_named() {
    for (seen, outcome) in [
        (INSIDE, Outcome::LocalOnly),
        ("fd00::7", Outcome::LocalOnly),
        ("169.254.1.1", Outcome::LocalOnly),
        ("172.32.0.1", Outcome::Accessible),
    ] {
        let diagnosis = of(family(seen, vec![port(7466, Local::Bound, open())]));
        assert_eq!(diagnosis.outcome, outcome, "{seen}");
        assert_eq!(diagnosis.is_local_only(), outcome == Outcome::LocalOnly, "{seen}");
        assert_eq!(diagnosis.families[0].is_private(), outcome == Outcome::LocalOnly, "{seen}");
    }

    let (temporary, stable) = ("2001:db8::a1b2", "2001:db8::10");
    for (answer, expected) in
        [(closed(Reason::TimedOut), vec!["temporary_address"]), (open(), vec![])]
    {
        let mut facts = family(temporary, vec![port(7466, Local::Bound, answer)]);
        facts.host = Some(Host {
            addresses: vec![ip("fe80::1"), ip(stable), ip(temporary)],
            temporary: vec![ip(temporary)],
            ..Host::default()
        });
        assert_eq!(kinds(&of(facts)), expected);
    }
}

#[test]
fn programs_of_this_machine_are_told_from_the_listener_of_the_check() {
    let holder = || Some(Process { pid: 7, name: "nginx".to_owned() });
    let in_use =
        |listens_on: Vec<IpAddr>, waiting| Local::InUse { by: holder(), listens_on, waiting };
    let everywhere = || vec![ip("0.0.0.0")];
    let v6 = || family("2001:db8::7", vec![port(7466, Local::Bound, open())]);
    let cases = [
        (in_use(everywhere(), 0), PortVerdict::OtherFamilyOnly, "it listens over IPv4"),
        (in_use(vec![], 0), PortVerdict::Arrived, "the near end of a connection listens nowhere"),
        (Local::Bound, PortVerdict::Arrived, "nobody holds it"),
    ];
    for (local, expected, why) in cases {
        let v4 = family(OUTSIDE, vec![port(7466, local, open())]);
        let diagnosis = diagnose(Facts { quorum: 1, interrupted: false, families: vec![v4, v6()] });
        assert_eq!(diagnosis.families[1].ports[0].verdict, expected, "{why}");
        assert!(diagnosis.families[0].ports[0].accessible, "{why}");
    }

    let silent_v6 = family("2001:db8::7", vec![port(7466, Local::Bound, closed(Reason::TimedOut))]);
    let v4 = family(OUTSIDE, vec![port(7466, in_use(everywhere(), 0), open())]);
    let diagnosis =
        diagnose(Facts { quorum: 1, interrupted: false, families: vec![v4, silent_v6] });
    assert_eq!(diagnosis.families[1].ports[0].verdict, PortVerdict::NothingArrived, "nothing came");

    for (waiting, expected) in [(1, PortVerdict::ProgramHangs), (0, PortVerdict::TimedOut)] {
        let full = port(7466, in_use(everywhere(), waiting), closed(Reason::TimedOut));
        assert_eq!(of(family(OUTSIDE, vec![full])).families[0].ports[0].verdict, expected);
    }

    let mut udp = family(OUTSIDE, vec![port(7466, Local::Bound, open())]);
    udp.ports[0].udp_holder = holder();
    let summary = &of(udp).families[0].ports[0].summary;
    assert!(
        summary.ends_with("; nginx (process 7) uses the number over UDP, which 7466/udp checks")
    );
}

#[test]
fn a_guard_against_scans_is_likely_where_all_ports_after_the_first_are_silent() {
    let ports = |answers: &[(usize, Option<PortResult>)]| {
        let answers = answers.iter().flat_map(|(count, answer)| vec![answer.clone(); *count]);
        answers.zip(20_000..).map(|(answer, number)| port(number, Local::Bound, answer)).collect()
    };
    let silence = || closed(Reason::TimedOut);
    let cases: [(&[_], bool, &str); 6] = [
        (&[(10, open()), (10, silence())], true, "ten and ten"),
        (&[(9, open()), (10, silence())], false, "too few answered"),
        (&[(10, open()), (9, silence())], false, "too few were silent"),
        (&[(10, open()), (10, silence()), (1, open())], false, "a later one answered"),
        (&[(10, open()), (10, closed(Reason::Refused))], false, "they were refused"),
        (&[(10, open()), (10, None)], false, "nobody judged them"),
    ];
    for (answers, expected, why) in cases {
        let found = kinds(&of(family(OUTSIDE, ports(answers)))).contains(&"scan_guard");
        assert_eq!(found, expected, "{why}");
    }
}

#[test]
fn a_family_that_is_not_there_at_all_is_not_mentioned() {
    let works = || family(OUTSIDE, vec![port(7466, Local::Bound, open())]);
    let absent = |addresses: &[&str], asked_for| {
        let mut family = family("2001:db8::7", vec![port(7466, Local::Bound, None)]);
        family.checkers[0].address = None;
        family.asked_for = asked_for;
        family.host = Some(Host {
            addresses: addresses.iter().map(|text| ip(text)).collect(),
            ..Host::default()
        });
        family
    };
    let cases: [(&[&str], bool, usize, &str); 7] = [
        (&["127.0.0.1"], false, 1, "loopback of the other kind"),
        (&["169.254.7.7"], false, 1, "an address of the link, of the other kind"),
        (&["192.168.1.10"], false, 2, "an address of a network, of the other kind"),
        (&["::1", "fe80::1"], false, 1, "no address beyond the links"),
        (&["::1", "2001:db8::7"], false, 2, "an address that no checker sees"),
        (&["::1"], true, 2, "it was asked for"),
        (&[], false, 1, "no address at all"),
    ];
    for (addresses, asked_for, expected, why) in cases {
        let families = vec![works(), absent(addresses, asked_for)];
        assert_eq!(
            diagnose(Facts { quorum: 1, interrupted: false, families }).families.len(),
            expected,
            "{why}"
        );
    }
}

/// If no checker sees this machine over any family, none of them is merely missing.
#[test]
fn without_any_address_seen_there_is_no_verdict() {
    let mut unseen = silent();
    unseen.checkers[0].address = None;
    unseen.ports[0].answers = vec![None];
    let diagnosis = of(unseen);
    assert_eq!(diagnosis.families[0].outcome, Some(Outcome::NoVerdict));
    assert_eq!(diagnosis.outcome, Outcome::NoVerdict);
}
