//! The words of summaries and notices.

use std::collections::HashSet;

use port_checker_api::{PortResult, Reason};

use super::{
    whereabouts::{OUTSIDE, ROUTER, closed, family, ip, kinds, of, open, port, sights},
    *,
};
use crate::facts::{Arrivals, Failure, Process};

fn in_use(by: Option<&str>) -> Local {
    let by = by.map(|name| Process { pid: 7, name: name.to_owned() });
    Local::InUse { by, listens_on: vec![ip("0.0.0.0")], waiting: 0 }
}

#[test]
fn a_summary_says_what_was_found_and_what_stood_in_the_way() {
    let failed = || Local::Failed { error: "Too many open files".to_owned() };
    let words = |error: Option<&'static str>| {
        Some(PortResult { accessible: false, error: error.map(Into::into), details: None })
    };
    let cases = [
        (Local::Bound, open(), "reachable, and it arrived here"),
        (Local::Bound, closed(Reason::Refused), "refused"),
        (Local::Bound, closed(Reason::TimedOut), "timed out, and nothing arrived here"),
        (in_use(Some("nginx")), open(), "reachable; nginx (process 7) holds the port"),
        (in_use(None), closed(Reason::Refused), "refused; another program holds the port"),
        (Local::NotPermitted, open(), "reachable; we could not listen there"),
        (failed(), open(), "reachable; we could not listen there"),
        (Local::NotPermitted, closed(Reason::Refused), "not permitted to listen there"),
        (failed(), closed(Reason::Refused), "could not be listened on"),
        (Local::Bound, words(Some("EHOSTDOWN")), "not reachable: EHOSTDOWN"),
        (Local::Bound, words(None), "not reachable: no reason given"),
        (in_use(None), words(Some("EHOSTDOWN")), "not reachable; another program holds the port"),
        (Local::FamilyMissing, None, "this machine has no such address family"),
    ];
    for (local, answer, expected) in cases {
        let diagnosis = of(family(OUTSIDE, vec![port(7466, local, answer)]));
        assert_eq!(diagnosis.families[0].ports[0].summary, expected);
    }
    let mut stopped = port(7466, Local::Bound, closed(Reason::TimedOut));
    stopped.sights = sights(true, false, None);
    let mut facts = family(OUTSIDE, vec![stopped]);
    facts.checkers[0].peer = Some(ip("198.51.100.1"));
    let diagnosis = of(facts);
    let expected = "this machine's firewall blocks it; it arrived at eth0";
    assert_eq!(diagnosis.families[0].ports[0].summary, expected);
}

/// One of each kind, with words that it must have.
fn notices() -> Vec<(Notice, &'static str)> {
    [of_position(), of_checks()].concat()
}

fn of_position() -> Vec<(Notice, &'static str)> {
    let (seen, router, wan) = (ip(OUTSIDE), ip(ROUTER), ip("8.8.4.4"));
    let tunnel = "tun0".to_owned();
    let at = Notice::Position;
    let behind_nat =
        |inside, works| at(NetworkPosition::BehindNat { seen, inside, works, wan_unknown: false });
    vec![
        (Notice::LoopbackOnly, "name one with --server"),
        (behind_nat(Some(ip("192.168.1.10")), false), "one of this machine (192.168.1.10)."),
        (behind_nat(None, false), "203.0.113.7, is not one of this machine."),
        (behind_nat(None, true), "behind NAT, and forwarding works"),
        (Notice::LanOnly { seen }, "203.0.113.7, a private address"),
        (
            at(NetworkPosition::LanChecker { checker: router, seen }),
            "The checker at 192.168.1.1 is in the local network. What it finds about 203.0.113.7 says nothing",
        ),
        (
            at(NetworkPosition::Tunnel { interface: tunnel, seen }),
            "leave through tun0, a tunnel such as a VPN: 203.0.113.7 is",
        ),
        (
            at(NetworkPosition::PointToPoint {
                interface: "ppp0".to_owned(),
                is_modem: false,
                seen,
            }),
            "leave through ppp0, a PPP line, and 203.0.113.7 is not the address there",
        ),
        (
            at(NetworkPosition::Container { seen, inside: Some(ip("172.17.0.2")) }),
            "203.0.113.7, is not one of the container (172.17.0.2).",
        ),
        (
            at(NetworkPosition::SameNetwork { checker: seen, network: None }),
            "The checker at 203.0.113.7 is on this machine",
        ),
        (
            at(NetworkPosition::DoubleNat { router, wan, seen }),
            "192.168.1.1 can work alone: its address on the Internet's side is 8.8.4.4, and the address checked is \
             203.0.113.7.",
        ),
        (
            Notice::TemporaryAddress { seen, stable: wan },
            "203.0.113.7 is a temporary address of this machine, which will be replaced within a day or so. Its \
             permanent address is 8.8.4.4: open and publish that one, and check it with --ip 8.8.4.4.",
        ),
        (at(NetworkPosition::CarrierGradeNat { address: wan }), "8.8.4.4 is one of the addresses"),
    ]
}

fn of_checks() -> Vec<(Notice, &'static str)> {
    let (v4, v6) = (Family::Ipv4, Family::Ipv6);
    let scan_guard = |here| Notice::ScanGuard { answered: 10, silent: 12, here };
    let only_one = |behind_nat| Notice::OnlyOneFamilyWorks { works: v6, fails: v4, behind_nat };
    vec![
        (scan_guard(None), "The first 10 ports answered and all 12 after them were silent."),
        (scan_guard(None), "(in a router, at the provider, or on this machine, such as fail2ban)"),
        (scan_guard(Some(true)), "(on this machine, such as fail2ban)"),
        (scan_guard(Some(false)), "(in the router or at the provider)"),
        (
            Notice::NotSeen { family: v6, why: "it is down".to_owned() },
            "from which IPv6 address it sees this machine. If it has one, give it with --ip. (it is down)",
        ),
        (Notice::FamilyMissing(v6), "This machine has no IPv6 address"),
        (
            Notice::CheckerFailed { message: "it is busy".to_owned() },
            "gave no verdict: it is busy.",
        ),
        (Notice::NoVerdictTheirs, "try again later, or ask another checker"),
        (Notice::NoVerdictOurs, "does this machine's connection work"),
        (
            Notice::TooFewVerdicts { verdicts: 1, quorum: 2 },
            "Only 1 checker gave a verdict where 2 must agree",
        ),
        (
            Notice::TooFewVerdicts { verdicts: 2, quorum: 3 },
            "Only 2 checkers gave a verdict where 3 must agree",
        ),
        (
            only_one(true),
            "IPv6 works and IPv4 does not: a client that only has IPv4 cannot reach you. The forwards in the router \
             are missing or cannot work. Until that works, publish the IPv6 address only.",
        ),
        (
            Notice::StrayDatagrams { ports: "51820/udp".parse().unwrap() },
            "51820/udp: this check answered beside the program that holds the port",
        ),
        (only_one(false), "cannot reach you. Until that works, publish the IPv6 address only."),
    ]
}

#[test]
fn notices_name_what_they_are_about() {
    for (notice, expected) in notices() {
        assert!(notice.to_string().contains(expected), "{expected}: {notice}");
    }
}

/// Programs tell notices apart by their kind.
#[test]
fn notices_in_json_have_a_kind_each_and_the_advice() {
    let mut kinds = HashSet::new();
    for (notice, _) in notices() {
        let json = serde_json::to_value(&notice).unwrap();
        let expected = serde_json::json!({"kind": notice.kind(), "advice": notice.to_string()});
        assert_eq!(json, expected);
        kinds.insert((std::mem::discriminant(&notice), notice.kind()));
    }
    let names: HashSet<_> = kinds.iter().map(|(_, name)| *name).collect();
    assert_eq!((names.len(), kinds.len()), (20, 20), "{names:?}");
    assert!(names.contains("behind_nat"), "in snake case");
}

/// Nobody has to read that a checker could not be asked at all and that it did not see this machine.
#[test]
fn failures_of_checkers_are_told_once() {
    let failing = |answered: bool, seen: bool, asked_for: bool| {
        let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, None)]);
        facts.checkers[0].failure = Some(Failure { answered, message: "it is busy".to_owned() });
        if !seen {
            facts.checkers[0].address = None;
        }
        let diagnosis = of(FamilyFacts { asked_for, ..facts });
        let of_families = diagnosis.families[0].notices.iter();
        of_families.chain(&diagnosis.notices).map(Notice::kind).collect::<Vec<_>>()
    };
    let (behind_nat, theirs, ours) = ("behind_nat", "no_verdict_theirs", "no_verdict_ours");
    let cases: [(_, &[_], _); 5] = [
        (failing(true, true, false), &["checker_failed", behind_nat, theirs], "it answered"),
        (failing(false, true, false), &["checker_failed", behind_nat, ours], "no connection"),
        (failing(true, false, true), &["not_seen", theirs], "it answered, and does not tell"),
        (failing(false, false, true), &["checker_failed", ours], "no connection, asked for"),
        (failing(false, false, false), &["checker_failed", ours], "asked for, as the only one"),
    ];
    for (found, expected, why) in cases {
        assert_eq!(found, expected, "{why}");
    }
}

#[test]
fn too_few_verdicts_for_the_quorum_are_said() {
    let with = |quorum: usize, failures: usize| {
        let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, open())]);
        facts.checkers = vec![facts.checkers[0].clone(); 3];
        facts.ports[0].answers = vec![open(); 3];
        for (checker, answer) in
            facts.checkers.iter_mut().zip(&mut facts.ports[0].answers).take(failures)
        {
            checker.failure = Some(Failure { answered: true, message: "it is busy".to_owned() });
            *answer = None;
        }
        let diagnosis = diagnose(Facts { quorum, interrupted: false, families: vec![facts] });
        let notices = diagnosis.families[0].notices.iter();
        notices.filter(|notice| notice.kind() == "too_few_verdicts").cloned().collect::<Vec<_>>()
    };
    let too_few = |verdicts, quorum| vec![Notice::TooFewVerdicts { verdicts, quorum }];
    let cases = [
        (3, 1, too_few(2, 3), "one is missing"),
        (2, 1, vec![], "two are enough"),
        (2, 2, too_few(1, 2), "one is not"),
        (2, 3, vec![], "none at all: each failure says so"),
        (3, 0, vec![], "all agree"),
    ];
    for (quorum, failures, expected, why) in cases {
        assert_eq!(with(quorum, failures), expected, "{why}");
    }
}

/// A family that works hides what is wrong with the other from those who look at the first port only.
#[test]
fn the_family_that_fails_is_named() {
    let works = || family("2001:db8::7", vec![port(7466, Local::Bound, open())]);
    let diagnosed = |v4: FamilyFacts| {
        let diagnosis =
            diagnose(Facts { quorum: 1, interrupted: false, families: vec![v4, works()] });
        (diagnosis.outcome, diagnosis.notices)
    };
    let failing = |answer| family(OUTSIDE, vec![port(7466, Local::Bound, answer)]);
    let (outcome, notices) = diagnosed(failing(closed(Reason::TimedOut)));
    let (v4, v6) = (Family::Ipv4, Family::Ipv6);
    let expected = Notice::OnlyOneFamilyWorks { works: v6, fails: v4, behind_nat: true };
    assert_eq!((outcome, notices), (Outcome::NotAccessible, vec![expected]));

    let mut direct = failing(closed(Reason::TimedOut));
    direct.host.as_mut().unwrap().addresses = vec![ip(OUTSIDE)];
    let expected = Notice::OnlyOneFamilyWorks { works: v6, fails: v4, behind_nat: false };
    assert_eq!(diagnosed(direct).1, [expected], "no router is in the way");

    let mut lost = failing(closed(Reason::TimedOut));
    lost.ports[0].arrivals =
        Arrivals { half_open: vec![ip("198.51.100.1")], ..Arrivals::default() };
    let expected = Notice::OnlyOneFamilyWorks { works: v6, fails: v4, behind_nat: false };
    assert_eq!(diagnosed(lost).1, [expected], "the router forwarded it");
    assert_eq!(diagnosed(failing(open())), (Outcome::Accessible, vec![]), "both work");
    assert_eq!(diagnosed(failing(None)), (Outcome::NoVerdict, vec![]), "nothing is known");
}

/// One of another network would lead clients to another router.
#[test]
fn the_permanent_address_that_is_named_is_of_the_same_network() {
    let (seen, stable) = (ip("2001:db8::a1b2"), ip("2001:db8::10"));
    let named = |addresses: &[&str]| {
        let addresses = addresses.iter().map(|text| ip(text)).collect();
        let mut facts =
            family("2001:db8::a1b2", vec![port(7466, Local::Bound, closed(Reason::TimedOut))]);
        let temporary = vec![ip("2001:db8::c3d4"), seen];
        facts.host = Some(Host { addresses, temporary, ..Host::default() });
        of(facts).families[0].notices.clone()
    };
    let others = ["2001:db8:0:5::10", "2001:db8::c3d4", "2001:db8::a1b2"];
    assert_eq!(named(&others), []);
    let all = [&others[..], &["2001:db8::10"]].concat();
    assert_eq!(named(&all), [Notice::TemporaryAddress { seen, stable }]);
}

#[test]
fn a_machine_without_the_family_is_told_only_that() {
    let missing = || port(7466, Local::FamilyMissing, None);
    let notices = |ports| of(family("2001:db8::7", ports)).families[0].notices.clone();
    assert_eq!(notices(vec![missing(), missing()]), [Notice::FamilyMissing(Family::Ipv6)]);
    let others = notices(vec![missing(), port(7467, Local::Bound, open())]);
    assert_eq!(others.iter().map(Notice::kind).collect::<Vec<_>>(), ["behind_nat"]);
    assert!(!kinds(&of(family("2001:db8::7", vec![]))).contains(&"family_missing"));
}
