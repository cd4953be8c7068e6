//! Strangers who connect during a run, and checkers whose addresses are proven, or not.

use port_checker_api::{ChallengeOutcome, PortDetails, PortResult, Reason};

use super::{
    whereabouts::{OUTSIDE, closed, family, ip, kinds, of, port},
    *,
};
use crate::{
    facts::{Arrivals, Process, Watch},
    sights::Sights,
};

const CHECKER: &str = "198.51.100.1";
const OTHER: &str = "198.51.100.2";
const STRANGER: &str = "192.0.2.66";
const UNKNOWN: &str = "which may or may not be the checker";
const INNOCENT: &str = "its firewall is not the cause";

/// A port at which the challenge was read, and these connected.
fn proven(number: u16, from: &[&str]) -> PortFacts {
    let details = PortDetails {
        reason: None,
        attempts: 1,
        connect_ms: 1.0,
        challenge: Some(ChallengeOutcome::Matched.into()),
        icmp: None,
    };
    let answer = PortResult { details: Some(details), ..PortResult::accessible() };
    let mut facts = port(number, Local::Bound, Some(answer));
    facts.arrivals.from = from.iter().map(|from| ip(from)).collect();
    facts
}

/// A silent port at which packets of these were seen, and those of the latter answered.
fn silent(dropped: &[&str], answered: &[&str]) -> PortFacts {
    let mut facts = port(7466, Local::Bound, closed(Reason::TimedOut));
    let mut sights = Sights::default();
    for peer in answered.iter().chain(dropped) {
        sights.arrived(|| "eth0".to_owned(), ip(peer));
    }
    answered.iter().for_each(|peer| sights.answered(ip(peer)));
    facts.sights = Some(sights);
    facts
}

/// The silent port of a run with others, whose checker was talked to at an address.
fn diagnosed(silent: PortFacts, others: Vec<PortFacts>, peer: Option<&str>) -> PortDiagnosis {
    let mut facts = family(OUTSIDE, [vec![silent], others].concat());
    facts.watch = Watch::Yes { lost: 0 };
    facts.checkers[0].peer = peer.map(ip);
    of(facts).families.remove(0).ports.remove(0)
}

#[test]
fn a_stranger_reaches_no_station_where_the_checkers_address_is_proven() {
    use PortVerdict::{AnswersLost, BlockedHere, NothingArrived};
    let lone = || vec![proven(80, &[CHECKER])];
    let both = || vec![proven(80, &[CHECKER, STRANGER])];
    let several = || vec![proven(80, &[CHECKER]), proven(81, &[OTHER])];
    let unread = || {
        let answers = vec![Some(PortResult::accessible())];
        vec![PortFacts { answers, ..proven(80, &[CHECKER]) }]
    };
    let (checker, stranger) = (&[CHECKER][..], &[STRANGER][..]);
    let cases = [
        (silent(stranger, &[]), lone(), None, NothingArrived, "dropped"),
        (silent(&[], stranger), lone(), None, NothingArrived, "answered"),
        (
            silent(checker, stranger),
            lone(),
            None,
            BlockedHere,
            "one is dropped, the other answered",
        ),
        (silent(stranger, checker), lone(), None, AnswersLost, "the other way round"),
        (silent(stranger, &[]), unread(), None, BlockedHere, "nobody read the challenge there"),
        (silent(stranger, &[]), both(), None, BlockedHere, "either may be the checker"),
        (silent(stranger, &[]), both(), Some(CHECKER), NothingArrived, "it was talked to there"),
        (silent(stranger, &[]), several(), None, BlockedHere, "a checker of several addresses"),
        (silent(stranger, &[]), several(), Some(CHECKER), BlockedHere, "and talked to at one"),
        (silent(stranger, &[]), vec![], Some(CHECKER), BlockedHere, "it may dial from elsewhere"),
        (silent(checker, stranger), vec![], Some(CHECKER), BlockedHere, "it dials from there"),
    ];
    for (silent, others, peer, expected, why) in cases {
        assert_eq!(diagnosed(silent, others, peer).verdict, expected, "{why}");
    }
}

#[test]
fn a_half_open_connection_of_a_stranger_is_not_the_checkers() {
    for (peer, expected) in
        [(STRANGER, PortVerdict::NothingArrived), (CHECKER, PortVerdict::AnswersLost)]
    {
        let arrivals = Arrivals { half_open: vec![ip(peer)], ..Arrivals::default() };
        let silent = PortFacts { arrivals, sights: None, ..silent(&[], &[]) };
        let found = diagnosed(silent, vec![proven(80, &[CHECKER])], None);
        assert_eq!(found.verdict, expected, "{peer}");
        assert_eq!(found.facts.arrivals.half_open, [ip(peer)], "the facts stay as they are");
    }
}

#[test]
fn advice_tells_strangers_from_checkers() {
    let advice = |silent, others, peer| diagnosed(silent, others, peer).advice.unwrap();
    let lone = || vec![proven(80, &[CHECKER])];
    let open_for_some = advice(silent(&[STRANGER], &[]), lone(), None);
    let both = "192.0.2.66 got as far as eth0, and nothing came from 198.51.100.1";
    assert!(open_for_some.contains(both), "{open_for_some}");

    let neighbour = advice(silent(&["192.168.1.77"], &[]), lone(), None);
    assert!(neighbour.contains(INNOCENT), "{neighbour}");
    assert!(
        neighbour.contains("Let the router forward"),
        "a neighbour passed no router: {neighbour}"
    );

    let unknown = advice(silent(&[STRANGER], &[]), vec![], Some(CHECKER));
    assert!(unknown.contains(UNKNOWN) && unknown.contains(STRANGER), "{unknown}");
    assert!(unknown.contains("forwards it already"), "somebody outside came through it: {unknown}");
    let inside = advice(silent(&["192.168.1.77"], &[]), vec![], Some("192.168.1.1"));
    assert!(inside.contains(UNKNOWN) && !inside.contains("forwards it already"), "{inside}");
    let known = advice(silent(&[CHECKER], &[]), vec![], Some(CHECKER));
    assert!(!known.contains(UNKNOWN) && known.contains("forwards it already"), "{known}");
}

/// The checker's packets may be among those that were not kept.
#[test]
fn so_many_strangers_that_more_may_have_come_prove_nothing() {
    let crowd: Vec<String> = (0..Sights::MAX_PEERS).map(|last| format!("192.0.2.{last}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let found = diagnosed(silent(&crowd, &[]), vec![proven(80, &[CHECKER])], None);
    let advice = found.advice.unwrap();
    assert_eq!(found.verdict, PortVerdict::NothingArrived);
    assert!(!advice.contains(INNOCENT) && !advice.contains("got as far"), "{advice}");
    assert!(advice.contains("this machine's firewall"), "it may be the cause: {advice}");
}

/// One checker has proven its address, and another one's is not known.
#[test]
fn the_address_of_every_checker_must_be_proven() {
    let mut facts = family(OUTSIDE, vec![silent(&[STRANGER], &[]), proven(80, &[CHECKER])]);
    let other = CheckerFacts { url: "http://other".to_owned(), ..facts.checkers[0].clone() };
    facts.checkers.push(other);
    for port in &mut facts.ports {
        port.answers.push(closed(Reason::TimedOut));
    }
    assert_eq!(of(facts).families[0].ports[0].verdict, PortVerdict::BlockedHere);
}

/// The proven port, whose sights are these peers: a number of attempts, and whether they were answered.
fn contacted(peers: &[(&str, u32, bool)], talked_to: &str) -> FamilyDiagnosis {
    let mut port = proven(80, &[CHECKER]);
    let mut sights = Sights::default();
    for (peer, attempts, answered) in peers {
        (0..*attempts).for_each(|_| sights.arrived(|| "eth0".to_owned(), ip(peer)));
        if *answered {
            sights.answered(ip(peer));
        }
    }
    port.sights = Some(sights);
    let mut facts = family(OUTSIDE, vec![port]);
    facts.checkers[0].peer = Some(ip(talked_to));
    of(facts).families.remove(0)
}

#[test]
fn a_firewall_that_admits_contacted_hosts_is_likely_where_strangers_are_not_answered() {
    let cases = [
        (
            STRANGER,
            2,
            false,
            CHECKER,
            true,
            true,
            "it tried twice, and the checker was asked there",
        ),
        (STRANGER, 1, false, CHECKER, false, true, "its answer may be under way"),
        (STRANGER, 2, true, CHECKER, false, true, "it was answered"),
        ("192.168.1.77", 2, false, CHECKER, false, true, "a neighbour"),
        (STRANGER, 2, false, OTHER, false, false, "the checker connects from another address"),
    ];
    for (stranger, attempts, answered, talked_to, likely, noted, why) in cases {
        let peers = [(CHECKER, 1, true), (stranger, attempts, answered)];
        let found = contacted(&peers, talked_to);
        let kinds: Vec<_> = found.notices.iter().map(Notice::kind).collect();
        assert_eq!(kinds.contains(&"contacted_hosts_only"), likely, "{why}: {kinds:?}");
        assert_eq!(found.note.is_some(), noted, "{why}");
    }
}

/// A firewall that keeps out everybody, and a program that may keep out strangers, are no sign of it.
#[test]
fn only_ports_of_this_check_that_work_show_a_firewall_that_admits_contacted_hosts() {
    let stopped = |port: PortFacts| PortFacts {
        sights: silent(&[CHECKER, STRANGER, STRANGER], &[CHECKER]).sights,
        ..port
    };
    let by = Some(Process { pid: 7, name: "nginx".to_owned() });
    let held = Local::InUse { by, listens_on: vec![ip("0.0.0.0")], waiting: 0 };
    let cases = [
        (stopped(proven(81, &[CHECKER])), true, "strangers are stopped, and the checker is not"),
        (silent(&[STRANGER, STRANGER], &[]), false, "everybody is stopped"),
        (stopped(port(81, held, Some(PortResult::accessible()))), false, "a program has the port"),
    ];
    for (other, likely, why) in cases {
        let mut facts = family(OUTSIDE, vec![proven(80, &[CHECKER]), other]);
        facts.checkers[0].peer = Some(ip(CHECKER));
        assert_eq!(kinds(&of(facts)).contains(&"contacted_hosts_only"), likely, "{why}");
    }
}

#[test]
fn the_note_about_contacted_hosts_is_for_ports_that_work_from_outside() {
    let note = |port: PortFacts, peer: &str| {
        let mut facts = family(OUTSIDE, vec![port]);
        facts.checkers[0].peer = Some(ip(peer));
        of(facts).families.remove(0).note
    };
    assert!(note(proven(80, &[CHECKER]), CHECKER).is_some());
    assert_eq!(note(silent(&[CHECKER], &[]), CHECKER), None, "none works");
    let near = "192.168.1.1";
    assert_eq!(note(proven(80, &[near]), near), None, "the checker is in the local network");
}
