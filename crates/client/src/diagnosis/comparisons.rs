//! The diagnosis by comparison: of ports with each other, and of checkers with each other.

use port_checker_api::{PortResult, Reason};

use super::{
    whereabouts::{OUTSIDE, advice, closed, family, ip, kinds, of, open, port, sights},
    *,
};
use crate::{
    facts::Failure,
    router::{
        MappedPort, MappingEntry, MappingProtocol, MappingTransport, RouterFacts, RouterFailure,
        RouterFailureCause,
    },
};

/// A family whose ports were reached (`+`), were silent (`-`), got no verdict (`?`) or were refused (`x`), in this
/// order.
fn ports(signs: &str) -> FamilyFacts {
    let ports = signs.chars().zip(50_800..).map(|(sign, number)| {
        let answer = match sign {
            '+' => open(),
            '-' => closed(Reason::TimedOut),
            '?' => None,
            _ => closed(Reason::Refused),
        };
        port(number, Local::Bound, answer)
    });
    family(OUTSIDE, ports.collect())
}

#[test]
fn scattered_silence_is_likely_a_limit() {
    let told = Some("scattered_silence");
    let cases = [
        ("+-+-+-+-+-+-+-+-+-+-", told, "every second"),
        ("+++-+++-+++-+++-+++-+++-", told, "every fourth"),
        ("++-+-+++-+---++-+-++-+", told, "without a rule"),
        ("+-+-+-+-+", None, "too few changes"),
        ("++++++++++-----++++++++++", None, "a range is missing"),
        ("+-+-+-+-+-+-+-+-+-+x", None, "a port is refused: a separate rule"),
        ("++++++++++----------", Some("scan_guard"), "the first ones, and none after"),
        ("----------++++++++++", None, "the first ones do not"),
    ];
    for (signs, expected, why) in cases {
        let kinds = kinds(&of(ports(signs)));
        let found =
            kinds.into_iter().find(|kind| ["scattered_silence", "scan_guard"].contains(kind));
        assert_eq!(found, expected, "{why}");
    }
    let words = |signs: &str| of(ports(signs)).families[0].notices[1].to_string();
    let every = words("+++-+++-+++-+++-+++-+++-");
    assert!(
        every.starts_with("6 silent ports are scattered among 18 that answered, one in 4."),
        "{every}"
    );
    let without = words("++-+-+++-+---++-+-++-+");
    assert!(without.contains("among 13 that answered. Firewalls"), "{without}");
    let diagnosis = of(ports("-+-+-+-+-+-+"));
    assert!(advice(&diagnosis).contains("verify these alone before you change anything"));
}

/// Checkers at these addresses; each port is reached by those with a `+` in its row, and by no other.
fn checkers(peers: &[&str], rows: &[&str]) -> FamilyFacts {
    let mut facts = family(OUTSIDE, Vec::new());
    let first = facts.checkers[0].clone();
    let checker = |(index, peer): (usize, &&str)| CheckerFacts {
        url: format!("http://{index}"),
        peer: Some(ip(peer)),
        ..first.clone()
    };
    facts.checkers = peers.iter().enumerate().map(checker).collect();
    facts.ports = rows
        .iter()
        .zip(50_800..)
        .map(|(row, number)| {
            let mut port = port(number, Local::Bound, open());
            port.answers = row
                .chars()
                .map(|sign| match sign {
                    '+' => open(),
                    '-' => closed(Reason::TimedOut),
                    _ => None,
                })
                .collect();
            port
        })
        .collect();
    facts
}

const A: &str = "198.51.100.1";
const B: &str = "198.51.100.2";
const C: &str = "198.51.100.3";
const LAN: &str = "192.168.1.5";

#[test]
fn a_checker_that_differs_alone_is_named() {
    let words = |rows: &[&str]| {
        let diagnosis = of(checkers(&[A, B, C], rows));
        let notices = diagnosis.families[0].notices.iter();
        notices.filter(|notice| notice.kind() == "one_checker").map(Notice::to_string).next()
    };
    let beginning = |rows: &[&str]| words(rows)?.split(". ").next().map(str::to_owned);
    let cases: [(&[&str], Option<&str>, &str); 8] = [
        (
            &["+-+", "+-+"],
            Some("Only http://1 does not reach 2 ports that the others reach"),
            "fails",
        ),
        (&["-+-", "---"], Some("Only http://1 reaches a port; the others do not"), "reaches"),
        (&["+-."], Some("Only http://0 reaches a port; the other does not"), "of two"),
        (&["+-+", "++-"], None, "not always the same"),
        (&["+-+", "-+-"], None, "not in the same way"),
        (
            &["+-+", "+++", "---"],
            Some("Only http://1 does not reach a port that the others reach"),
            "others agree",
        ),
        (&["+++", "---"], None, "no difference"),
        (&["+.."], None, "nobody to differ from"),
    ];
    for (rows, expected, why) in cases {
        assert_eq!(beginning(rows).as_deref(), expected, "{why}");
    }
}

#[test]
fn a_checker_of_the_local_network_beside_others_does_not_count() {
    let cases: [(&[&str], &str, bool, &str); 5] = [
        (&[A, LAN], "-+", true, "reached from inside only"),
        (&[LAN, A], "+-", true, "whatever the order"),
        (&[A, "127.0.0.1"], "-+", false, "a way through this machine may lead outside"),
        (&[A, B], "-+", false, "both are outside"),
        (&[LAN, "192.168.1.6"], "-+", false, "nobody is outside"),
    ];
    for (peers, row, ignored, why) in cases {
        let diagnosis = of(checkers(peers, &[row]));
        let found = diagnosis.families[0].notices.iter().any(|it| it.kind() == "local_checker");
        assert_eq!(found, ignored, "{why}");
        let accessible = diagnosis.families[0].ports[0].accessible;
        if ignored {
            assert!(!accessible, "{why}");
            assert_eq!(diagnosis.outcome, Outcome::NotAccessible, "{why}");
        }
    }
    let mut alone = checkers(&[A, LAN], &[".+"]);
    alone.checkers[0].failure = Some(Failure { answered: true, message: "it is busy".to_owned() });
    assert_eq!(of(alone).outcome, Outcome::LocalOnly, "the one outside gave no verdict");
}

#[test]
fn a_router_that_does_not_tell_its_address_is_looked_up_by_hand() {
    let router = RouterFacts::new(ip("192.168.1.1"), &[]);
    let hint = "look for it on the router's status page. If it is not 203.0.113.7,";
    for (router, signs, expected, why) in [
        (Some(&router), "-", true, "it was asked, and did not tell"),
        (Some(&router), "+", false, "forwards work"),
        (Some(&router), "?", false, "there is nothing to explain"),
        (None, "-", false, "it was not asked"),
    ] {
        let diagnosis = of(FamilyFacts { router: router.cloned(), ..ports(signs) });
        let words = diagnosis.families[0].notices[0].to_string();
        assert_eq!(words.contains(hint), expected, "{why}: {words}");
    }
}

#[test]
fn an_address_that_was_given_may_be_mistyped() {
    let with = |address_given| {
        let router = RouterFacts {
            wan_address: Some(ip("203.0.113.8")),
            ..RouterFacts::new(ip("192.168.1.1"), &[])
        };
        FamilyFacts { address_given, router: Some(router), ..ports("-") }
    };
    assert_eq!(kinds(&of(with(false))), ["double_nat"]);
    let diagnosis = of(with(true));
    assert_eq!(kinds(&diagnosis), ["not_the_routers_address"]);
    let words = diagnosis.families[0].notices[0].to_string();
    assert!(words.starts_with("The address given, 203.0.113.7, is not that of the router 192.168.1.1, which is 203.0.113.8."), "{words}");
}

/// A program holds the port on all addresses, and packets were watched: they came in, and no answer left.
#[test]
fn packets_decide_about_the_port_of_a_program_too() {
    let held = |waiting| Local::InUse { by: None, listens_on: vec![ip("0.0.0.0")], waiting };
    let silent = || closed(Reason::TimedOut);
    let seen = |interface, answered| sights(interface, answered, None);
    let cases = [
        (held(0), silent(), seen(true, false), PortVerdict::BlockedHere, "they came in"),
        (
            held(0),
            closed(Reason::Refused),
            seen(true, false),
            PortVerdict::BlockedHere,
            "refused here",
        ),
        (held(0), silent(), seen(true, true), PortVerdict::AnswersLost, "the answers left"),
        (held(0), silent(), seen(false, false), PortVerdict::TimedOut, "none came"),
        (held(3), silent(), seen(true, false), PortVerdict::ProgramHangs, "its queue is not taken"),
        (held(3), silent(), seen(false, false), PortVerdict::TimedOut, "none came to its queue"),
        (held(3), silent(), None, PortVerdict::ProgramHangs, "nobody watched"),
    ];
    for (local, answer, sights, expected, why) in cases {
        let mut facts = family(OUTSIDE, vec![port(7466, local, answer)]);
        facts.ports[0].sights = sights;
        assert_eq!(of(facts).families[0].ports[0].verdict, expected, "{why}");
    }
}

#[test]
fn a_router_without_a_public_address_is_likely_behind_another() {
    let mut router = RouterFacts::new(ip("192.168.1.1"), &[]);
    router.failures.push(RouterFailure {
        protocol: MappingProtocol::NatPmp,
        cause: RouterFailureCause::NoPublicAddress,
    });
    let diagnosis = of(FamilyFacts { router: Some(router.clone()), ..ports("-") });
    assert_eq!(kinds(&diagnosis), ["no_public_address"]);
    assert!(advice(&diagnosis).contains("No forward in your router alone can change this"));
    let diagnosis = of(FamilyFacts { router: Some(router), ..ports("+") });
    assert_eq!(kinds(&diagnosis), ["behind_nat"], "forwards work");
}

#[test]
fn a_mapping_that_leads_elsewhere_is_named_however_it_fails() {
    let mapped = |to: &str| {
        let entry = MappingEntry::Mapped {
            to: to.parse().unwrap(),
            description: String::new(),
            enabled: true,
        };
        let transport = MappingTransport::Tcp;
        let ports = vec![MappedPort { port: 50_800, transport, entry }];
        let router = RouterFacts::new(ip("192.168.1.1"), &[]);
        RouterFacts { ports, wan_address: Some(ip(OUTSIDE)), ..router }
    };
    let failed = PortResult::not_accessible(Reason::ChallengeFailed);
    for answer in [closed(Reason::TimedOut), closed(Reason::Refused), Some(failed)] {
        let cases = [
            (
                "192.168.1.20:50800",
                "The router maps this port to 192.168.1.20:50800, another machine.",
            ),
            (
                "192.168.1.10:8080",
                "another port of this machine, 8080. Let it map it to the same port.",
            ),
        ];
        for (to, expected) in cases {
            let mut facts = family(OUTSIDE, vec![port(50_800, Local::Bound, answer.clone())]);
            facts.router = Some(mapped(to));
            let diagnosis = of(facts);
            assert!(advice(&diagnosis).contains(expected), "{answer:?}: {}", advice(&diagnosis));
        }
    }
}

/// Without any address seen, the families that were asked about remain.
#[test]
fn a_machine_without_the_family_of_the_only_checker_is_told() {
    let mut facts = ports("-");
    facts.ports[0].answers = vec![None];
    facts.checkers[0].address = None;
    facts.checkers[0].failure = Some(Failure { answered: false, message: "no route".to_owned() });
    facts.host = Some(Host::default());
    let diagnosis = of(facts);
    assert_eq!(diagnosis.families.len(), 1);
    assert_eq!(diagnosis.outcome, Outcome::NoVerdict);
}
