use std::net::IpAddr;

use port_checker_api::{ChallengeOutcome, Port, PortDetails, PortResult, Reason, Transport};

use super::*;
use crate::{
    facts::{Arrivals, Failure, Local, Process, Watch},
    family::Family,
    host::Host,
};

const OUTSIDE: &str = "203.0.113.7";
const INSIDE: &str = "192.168.1.10";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn details(reason: Option<Reason>, challenge: Option<ChallengeOutcome>) -> PortDetails {
    let (reason, challenge) = (reason.map(Into::into), challenge.map(Into::into));
    PortDetails { reason, attempts: 1, connect_ms: 1.0, challenge, icmp: None }
}

fn open(challenge: Option<ChallengeOutcome>) -> Option<PortResult> {
    Some(PortResult { details: Some(details(None, challenge)), ..PortResult::accessible() })
}

fn closed(reason: Reason) -> Option<PortResult> {
    let details = details(Some(reason), None);
    Some(PortResult { details: Some(details), ..PortResult::not_accessible(reason) })
}

fn failed(challenge: ChallengeOutcome) -> Option<PortResult> {
    let reason = Reason::ChallengeFailed;
    let details = details(Some(reason), Some(challenge));
    Some(PortResult { details: Some(details), ..PortResult::not_accessible(reason) })
}

fn arrived() -> Arrivals {
    Arrivals { connections: 1, challenges_sent: 1, ..Arrivals::default() }
}

fn half_open() -> Arrivals {
    Arrivals { half_open: vec![ip("198.51.100.1")], ..Arrivals::default() }
}

fn in_use() -> Local {
    Local::InUse {
        by: Some(Process { pid: 7, name: "nginx".to_owned() }),
        listens_on: vec![ip("127.0.0.1")],
        waiting: 0,
    }
}

/// One port of this machine behind a router, and as many checkers as there are answers.
fn facts(local: Local, arrivals: Arrivals, answers: Vec<Option<PortResult>>) -> Facts {
    let checkers = (0..answers.len()).map(|number| CheckerFacts {
        url: format!("http://checker{number}"),
        address: Some(ip(OUTSIDE)),
        peer: None,
        failure: None,
        attestations: Vec::new(),
    });
    let host = Host {
        addresses: vec![ip("127.0.0.1"), ip(INSIDE)],
        outbound: Some(ip(INSIDE)),
        gateway: Some(ip("192.168.1.1")),
        ..Host::default()
    };
    let family = FamilyFacts {
        family: Family::Ipv4,
        asked_for: false,
        address_given: false,
        host: Some(host),
        watch: Watch::No,
        router: None,
        checkers: checkers.collect(),
        ports: vec![PortFacts {
            port: Port::MAX,
            transport: Transport::Tcp,
            local: Some(local),
            udp_holder: None,
            arrivals,
            sights: None,
            answers,
        }],
    };
    Facts { quorum: 1, interrupted: false, families: vec![family] }
}

fn port(diagnosis: &Diagnosis) -> &PortDiagnosis {
    &diagnosis.families[0].ports[0]
}

#[test]
fn verdicts_about_one_port() {
    use ChallengeOutcome::{Matched, Mismatched, Silent};
    use Local::{Bound, NotPermitted};
    use PortVerdict as V;
    use Reason::{HostUnreachable, NetworkUnreachable, Refused, Reset, TimedOut};
    let none = Arrivals::default;
    let words = |text: &'static str| {
        Some(PortResult { accessible: false, error: Some(text.into()), details: None })
    };
    let cases = [
        (Bound, arrived(), open(Some(Matched)), V::Proven, "the challenge came back"),
        (Bound, arrived(), Some(PortResult::accessible()), V::Arrived, "no challenge known"),
        (Bound, none(), open(Some(Matched)), V::Contradicted, "proof of what was not here"),
        (
            Bound,
            none(),
            Some(PortResult::accessible()),
            V::Contradicted,
            "somebody else's, or a lie",
        ),
        (Bound, none(), failed(Mismatched), V::AnotherHost, "other words, and nothing here"),
        (Bound, none(), failed(Silent), V::AnotherHost, "no words, and nothing here"),
        (Bound, arrived(), failed(Silent), V::AnswersLost, "the greeting was lost"),
        (Bound, arrived(), failed(Mismatched), V::Intercepted, "the greeting was changed"),
        (Bound, none(), closed(Refused), V::Refused, "refused elsewhere"),
        (Bound, none(), closed(TimedOut), V::NothingArrived, "dropped before us"),
        (
            Bound,
            half_open(),
            closed(TimedOut),
            V::AnswersLost,
            "the SYN came, the answer did not go",
        ),
        (Bound, arrived(), closed(TimedOut), V::NothingArrived, "what arrived was somebody else's"),
        (Bound, none(), closed(HostUnreachable), V::Rejected, "a router said so"),
        (Bound, none(), closed(NetworkUnreachable), V::Rejected, "a router said so"),
        (Bound, none(), closed(Reset), V::Reset, "hung up"),
        (Bound, none(), words("Connection refused"), V::Refused, "known words without details"),
        (Bound, none(), words("ETIMEDOUT"), V::NotReachable, "words of another checker"),
        (Bound, none(), None, V::NoVerdict, "no verdict"),
        (in_use(), none(), Some(PortResult::accessible()), V::Reachable, "checked as it is"),
        (in_use(), none(), closed(TimedOut), V::TimedOut, "nothing of ours could see it"),
        (NotPermitted, none(), closed(Refused), V::NotBound, "of course"),
        (NotPermitted, none(), open(None), V::Reachable, "somebody listens"),
        (Local::FamilyMissing, none(), None, V::FamilyMissing, "no such family"),
    ];
    for (local, arrivals, answer, expected, why) in cases {
        let diagnosis = diagnose(facts(local, arrivals, vec![answer]));
        let port = port(&diagnosis);
        assert_eq!(port.verdict, expected, "{why}");
        let speechless =
            expected.is_accessible() || matches!(expected, V::NoVerdict | V::FamilyMissing);
        assert_eq!(port.advice.is_none(), speechless, "{why}: {:?}", port.advice);
        assert!(!port.summary.is_empty(), "{why}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn checkers_together() {
    use PortVerdict as V;
    use Reason::{Refused, TimedOut};
    let yes = || open(Some(ChallengeOutcome::Matched));
    let lie = || Some(PortResult::accessible());
    let cases = [
        (
            1,
            arrived(),
            vec![yes(), closed(TimedOut)],
            V::Proven,
            vec![(1, V::TimedOut)],
            "one will do",
        ),
        (
            2,
            arrived(),
            vec![yes(), closed(TimedOut)],
            V::Disagreement,
            vec![(1, V::TimedOut)],
            "one is too few",
        ),
        (2, arrived(), vec![yes(), None], V::NoVerdict, vec![], "the other might agree"),
        (
            2,
            arrived(),
            vec![yes(), None, closed(Refused)],
            V::Disagreement,
            vec![(2, V::Refused)],
            "it does not",
        ),
        (2, arrived(), vec![yes(), yes(), None], V::Proven, vec![], "two are enough"),
        (1, arrived(), vec![lie(), yes()], V::Proven, vec![], "one proof is enough"),
        (
            1,
            Arrivals::default(),
            vec![lie(), closed(TimedOut)],
            V::TimedOut,
            vec![(0, V::Contradicted)],
            "who is contradicted does not count",
        ),
        (
            1,
            Arrivals::default(),
            vec![closed(Refused), closed(TimedOut), closed(TimedOut)],
            V::NothingArrived,
            vec![(0, V::Refused)],
            "what most say",
        ),
        (
            1,
            Arrivals::default(),
            vec![closed(Refused), closed(TimedOut)],
            V::Refused,
            vec![(1, V::NothingArrived)],
            "of equals the first",
        ),
    ];
    for (quorum, arrivals, answers, expected, dissent, why) in cases {
        let facts = Facts { quorum, ..facts(Local::Bound, arrivals, answers) };
        let diagnosis = diagnose(facts);
        assert_eq!(port(&diagnosis).verdict, expected, "{why}");
        let found = port(&diagnosis).dissent.iter();
        let found: Vec<_> = found.map(|dissent| (dissent.checker, dissent.verdict)).collect();
        assert_eq!(found, dissent, "{why}");
        let advice = port(&diagnosis).advice.clone().unwrap_or_default();
        for (checker, _) in dissent {
            assert!(advice.contains(&format!("http://checker{checker}")), "{why}: {advice}");
        }
    }
}

#[test]
fn where_this_machine_stands() {
    let cases = [
        (OUTSIDE, OUTSIDE, "203.0.113.1", None, "directly on the Internet"),
        (OUTSIDE, INSIDE, "192.168.1.1", Some("behind_nat"), "behind a router"),
        (
            OUTSIDE,
            "100.64.0.10",
            "192.168.1.1",
            Some("carrier_grade_nat"),
            "an address of the provider",
        ),
        (
            OUTSIDE,
            INSIDE,
            "100.127.255.254",
            Some("carrier_grade_nat"),
            "a gateway of the provider",
        ),
        (OUTSIDE, "100.128.0.1", "192.168.1.1", Some("behind_nat"), "just beyond the range"),
        ("127.0.0.1", "127.0.0.1", "100.64.0.1", None, "loopback"),
    ];
    for (seen, here, gateway, expected, why) in cases {
        let mut facts = facts(Local::Bound, Arrivals::default(), vec![closed(Reason::TimedOut)]);
        let family = &mut facts.families[0];
        family.checkers[0].address = Some(ip(seen));
        family.host = Some(Host {
            addresses: vec![ip(here)],
            outbound: Some(ip(here)),
            gateway: Some(ip(gateway)),
            ..Host::default()
        });
        let diagnosis = diagnose(facts);
        let kinds: Vec<_> = diagnosis.families[0].notices.iter().map(Notice::kind).collect();
        assert_eq!(kinds, Vec::from_iter(expected), "{why}");
    }
}

#[test]
fn a_family_that_is_not_there_counts_only_if_it_was_asked_for() {
    for (asked_for, expected, why) in
        [(false, Outcome::Accessible, "nobody asked"), (true, Outcome::NoVerdict, "somebody asked")]
    {
        let works = facts(Local::Bound, arrived(), vec![open(Some(ChallengeOutcome::Matched))]);
        let mut missing = facts(Local::Bound, Arrivals::default(), vec![None]);
        let family = &mut missing.families[0];
        family.asked_for = asked_for;
        family.checkers[0].address = None;
        let message = "cannot talk to it".to_owned();
        family.checkers[0].failure = Some(Failure { answered: false, message });
        let families = [works.families, missing.families].concat();
        assert_eq!(
            diagnose(Facts { quorum: 1, interrupted: false, families }).outcome,
            expected,
            "{why}"
        );
    }
}

#[test]
fn equal_situations_get_equal_advice() {
    let mut facts = facts(Local::Bound, Arrivals::default(), vec![closed(Reason::TimedOut)]);
    let mut other = facts.families[0].ports[0].clone();
    other.port = Port::MIN;
    facts.families[0].ports.push(other);
    let diagnosis = diagnose(facts);
    let [one, other] = &diagnosis.families[0].ports[..] else { panic!("two ports") };
    assert_eq!((&one.summary, &one.advice), (&other.summary, &other.advice));
}

#[test]
fn a_program_on_loopback_is_the_cause_whatever_the_router_does() {
    let diagnosis = diagnose(facts(in_use(), Arrivals::default(), vec![closed(Reason::Refused)]));
    let advice = port(&diagnosis).advice.as_deref().unwrap();
    assert!(advice.contains("loopback address only"), "{advice}");
}

#[test]
fn a_port_that_works_disproves_carrier_grade_nat() {
    let open = open(Some(ChallengeOutcome::Matched));
    let mut facts = facts(Local::Bound, arrived(), vec![open]);
    facts.families[0].host.as_mut().unwrap().outbound = Some(ip("100.64.0.10"));
    let kinds: Vec<_> = diagnose(facts).families[0].notices.iter().map(Notice::kind).collect();
    assert_eq!(kinds, ["behind_nat"]);
}

#[test]
fn a_failure_of_a_checker_ends_in_one_mark() {
    for (message, end) in [("it is busy", "it is busy."), ("is it there?", "is it there?")] {
        let notice = Notice::CheckerFailed { message: message.to_owned() };
        assert_eq!(notice.to_string(), format!("A checker gave no verdict: {end}"));
    }
}
