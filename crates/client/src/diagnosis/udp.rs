//! The diagnosis of UDP ports.

use port_checker_api::{
    ChallengeOutcome, Icmp, IcmpMessage, PortDetails, PortResult, Reason, Transport,
};

use super::{
    whereabouts::{INSIDE, OUTSIDE, ROUTER, advice, family, ip, kinds, of, port, sights},
    *,
};
use crate::{
    facts::{Arrivals, Process},
    router::{MappedPort, MappingEntry, MappingTransport, RouterFacts},
    sights::Sights,
};

const CHECKER: &str = "198.51.100.1";

fn answer(reason: Option<Reason>, icmp: Option<(IcmpMessage, &str)>) -> Option<PortResult> {
    let challenge = match reason {
        None => Some(ChallengeOutcome::Matched),
        Some(Reason::ChallengeFailed) => Some(ChallengeOutcome::Mismatched),
        Some(_) => None,
    };
    let details = PortDetails {
        reason: reason.map(Into::into),
        attempts: 1,
        connect_ms: 1.0,
        challenge: challenge.map(Into::into),
        icmp: icmp.map(|(message, from)| Icmp { message, from: ip(from) }),
    };
    let result = reason.map_or(PortResult::accessible(), PortResult::not_accessible);
    Some(PortResult { details: Some(details), ..result })
}

fn silent() -> Option<PortResult> {
    answer(Some(Reason::TimedOut), None)
}

/// Datagrams of the checker that came, of which so many were answered.
fn arrived(answered: u32) -> Arrivals {
    Arrivals {
        connections: 2,
        challenges_sent: answered,
        from: vec![ip(CHECKER)],
        ..Arrivals::default()
    }
}

/// A UDP port of a machine behind NAT, or directly on the Internet.
fn udp(local: Local, arrivals: Arrivals, answer: Option<PortResult>) -> PortFacts {
    PortFacts { transport: Transport::Udp, arrivals, ..port(51_820, local, answer) }
}

fn behind_nat(port: PortFacts) -> Diagnosis {
    of(family(OUTSIDE, vec![port]))
}

fn direct(port: PortFacts) -> Diagnosis {
    of(family(INSIDE, vec![port]))
}

/// What arrived, what the checker found, what was watched; the verdict, words of the advice, and the situation.
type Row = (Arrivals, Option<PortResult>, Option<Sights>, PortVerdict, &'static str, &'static str);

/// The checker got no answer.
fn rows_of_silence() -> Vec<Row> {
    use PortVerdict::{AnswersLost, BlockedHere, NothingArrived};
    let row =
        |arrivals, sights, verdict, words, why| (arrivals, silent(), sights, verdict, words, why);
    let (none, seen) = (Arrivals::default, |came, left| sights(came, left, None));
    let (stays, lost) = ("did not leave this machine", "symmetric NAT");
    vec![
        row(none(), None, NothingArrived, "forward UDP to 192.168.1.10 (this machine)", "silence"),
        row(
            none(),
            seen(false, false),
            NothingArrived,
            "its firewall is not the cause",
            "none came",
        ),
        row(none(), seen(true, false), BlockedHere, "came in at eth0", "dropped on the way in"),
        row(arrived(0), None, AnswersLost, stays, "answers cannot be sent"),
        row(arrived(2), seen(true, false), AnswersLost, stays, "dropped on the way out"),
        row(arrived(2), seen(true, true), AnswersLost, lost, "lost or rewritten outside"),
        row(arrived(2), None, AnswersLost, lost, "sent, and not watched"),
    ]
}

/// Something came back.
fn rows_of_answers() -> Vec<Row> {
    use IcmpMessage::{AdministrativelyProhibited, PortUnreachable};
    use PortVerdict::{AnotherHost, BlockedHere, Contradicted, Proven, Refused, Rejected};
    let row = |arrivals, answer, verdict, words, why| (arrivals, answer, None, verdict, words, why);
    let none = Arrivals::default;
    let refused = |message, from| answer(Some(Reason::Refused), Some((message, from)));
    let (closed, prohibited) =
        (refused(PortUnreachable, OUTSIDE), refused(AdministrativelyProhibited, OUTSIDE));
    let here = refused(PortUnreachable, INSIDE);
    let other = answer(Some(Reason::ChallengeFailed), None);
    vec![
        row(arrived(2), answer(None, None), Proven, "", "the challenge came back"),
        row(none(), answer(None, None), Contradicted, "another machine", "nothing came here"),
        row(none(), closed, Refused, "Let it forward UDP", "no forward"),
        row(none(), prohibited, Rejected, "cannot pass the datagrams on", "a rule"),
        row(none(), here, BlockedHere, "The router forwards it already.", "this machine says so"),
        row(none(), other, AnotherHost, "Another machine that answers such checks", "elsewhere"),
    ]
}

#[test]
fn each_situation_has_its_verdict_and_its_advice() {
    for (arrivals, answer, sights, verdict, words, why) in
        [rows_of_silence(), rows_of_answers()].concat()
    {
        let diagnosis = behind_nat(PortFacts { sights, ..udp(Local::Bound, arrivals, answer) });
        let port = &diagnosis.families[0].ports[0];
        assert_eq!(port.verdict, verdict, "{why}");
        let advice = port.advice.as_deref().unwrap_or_default();
        assert!(advice.contains(words), "{why}: {advice}");
        assert_eq!(advice.is_empty(), verdict == PortVerdict::Proven, "{why}: {advice}");
        assert!(!advice.contains("TCP to") && !advice.contains("incoming TCP"), "{why}: {advice}");
    }
}

#[test]
fn a_machine_directly_on_the_internet_has_no_router_to_blame() {
    let refused = answer(Some(Reason::Refused), Some((IcmpMessage::PortUnreachable, INSIDE)));
    let elsewhere = answer(Some(Reason::Refused), Some((IcmpMessage::PortUnreachable, CHECKER)));
    let none = Arrivals::default;
    let cases = [
        (none(), silent(), "A firewall drops the datagrams before they reach us."),
        (none(), elsewhere, "A firewall refuses the datagrams before they reach our listener."),
        (none(), refused, "a firewall on this machine stops them"),
        (arrived(2), silent(), "here or at the provider"),
        (arrived(0), silent(), "a firewall rule about outgoing UDP here"),
    ];
    for (arrivals, answer, words) in cases {
        let diagnosis = direct(udp(Local::Bound, arrivals, answer));
        let advice = advice(&diagnosis);
        assert!(advice.contains(words), "{words}: {advice}");
        assert!(!advice.contains("router forwards it"), "{advice}");
    }
}

#[test]
fn a_port_that_cannot_be_answered_on_is_told_so() {
    let by = Some(Process { pid: 7, name: "wireguard-go".to_owned() });
    let held = |by| Local::InUse { by, listens_on: vec![ip("0.0.0.0")], waiting: 0 };
    let failed = Local::Failed { error: "Too many open files".to_owned() };
    let cases = [
        (held(by), PortVerdict::NoVerdict, "then it answers beside wireguard-go, which goes on"),
        (held(None), PortVerdict::NoVerdict, "Or stop what holds it for the time of the check."),
        (Local::NotPermitted, PortVerdict::NotBound, "(sudo), or permit the program with"),
        (failed, PortVerdict::NotBound, "Too many open files"),
    ];
    for (local, verdict, words) in cases {
        let diagnosis = behind_nat(udp(local, Arrivals::default(), None));
        assert_eq!(diagnosis.families[0].ports[0].verdict, verdict, "{words}");
        assert!(advice(&diagnosis).contains(words), "{words}: {}", advice(&diagnosis));
        assert_eq!(kinds(&diagnosis), ["behind_nat"], "nobody was asked: {words}");
        assert_eq!(diagnosis.notices, [], "{words}");
    }
}

#[test]
fn another_machines_port_tells_little() {
    let cases = [
        (silent(), PortVerdict::TimedOut, "Run verify on the machine itself"),
        (answer(Some(Reason::Refused), None), PortVerdict::Refused, "no program has the port"),
        (
            answer(Some(Reason::ChallengeFailed), None),
            PortVerdict::AnotherHost,
            "get there and back",
        ),
    ];
    for (answer, verdict, words) in cases {
        let port = PortFacts { local: None, ..udp(Local::Bound, Arrivals::default(), answer) };
        let diagnosis = of(FamilyFacts { host: None, ..family(OUTSIDE, vec![port]) });
        assert_eq!(diagnosis.families[0].ports[0].verdict, verdict, "{words}");
        assert!(advice(&diagnosis).contains(words), "{words}: {}", advice(&diagnosis));
    }
}

/// Nobody is blamed who is known to be innocent, and nobody is left out who may have rejected the datagrams.
#[test]
fn who_may_have_refused_or_rejected_the_datagrams() {
    use Reason::{HostUnreachable, Refused};
    let icmp = (IcmpMessage::AdministrativelyProhibited, ROUTER);
    let rejected = || answer(Some(HostUnreachable), None);
    let none = || sights(false, false, None);
    let (on_the_internet, nat) = (true, false);
    let cases = [
        (
            on_the_internet,
            rejected(),
            none(),
            "A firewall before this machine rejects the datagrams",
        ),
        (on_the_internet, rejected(), None, "A firewall rejects the datagrams. Allow incoming UDP"),
        (
            on_the_internet,
            answer(Some(HostUnreachable), Some(icmp)),
            None,
            "192.168.1.1, on the way to this machine, says that it must not",
        ),
        (
            on_the_internet,
            answer(Some(Refused), None),
            none(),
            "A firewall before this machine refuses",
        ),
        (nat, rejected(), none(), "A router on the way says that it must not"),
        (nat, rejected(), None, "A router on the way, or this machine's firewall, says that"),
    ];
    for (is_direct, answer, sights, words) in cases {
        let port = PortFacts { sights, ..udp(Local::Bound, Arrivals::default(), answer) };
        let diagnosis = if is_direct { direct(port) } else { behind_nat(port) };
        assert!(advice(&diagnosis).contains(words), "{words}: {}", advice(&diagnosis));
    }
}

/// A mapping of TCP says nothing about UDP.
#[test]
fn the_routers_mapping_of_the_same_transport_counts() {
    let mapped = |transport, to: &str| {
        let entry = MappingEntry::Mapped {
            to: to.parse().unwrap(),
            description: String::new(),
            enabled: true,
        };
        let router = RouterFacts::new(ip(ROUTER), &[]);
        let ports = vec![MappedPort { port: 51_820, transport, entry }];
        RouterFacts { ports, wan_address: Some(ip(OUTSIDE)), ..router }
    };
    let (here, elsewhere) = ("192.168.1.10:51820", "192.168.1.20:51820");
    let cases = [
        (
            MappingTransport::Udp,
            here,
            "has a mapping of this port to this machine, and nothing came",
        ),
        (MappingTransport::Udp, elsewhere, "maps this port to 192.168.1.20:51820, another machine"),
        (MappingTransport::Tcp, here, "a forward of TCP does not cover it"),
        (MappingTransport::Tcp, elsewhere, "a forward of TCP does not cover it"),
    ];
    for (transport, to, words) in cases {
        let facts = family(OUTSIDE, vec![udp(Local::Bound, Arrivals::default(), silent())]);
        let diagnosis = of(FamilyFacts { router: Some(mapped(transport, to)), ..facts });
        assert!(advice(&diagnosis).contains(words), "{transport:?} {to}: {}", advice(&diagnosis));
    }
}

#[test]
fn a_port_that_another_program_holds_is_answered_beside_it() {
    let shared = |listens_on: &[&str]| Local::Shared {
        by: Some(Process { pid: 7, name: "wireguard-go".to_owned() }),
        listens_on: listens_on.iter().map(|address| ip(address)).collect(),
    };
    let refused = || answer(Some(Reason::Refused), Some((IcmpMessage::PortUnreachable, OUTSIDE)));
    let everywhere = || shared(&["0.0.0.0"]);
    let none = Arrivals::default;
    use PortVerdict::{AnswersLost, NothingArrived, Proven, Refused};
    let cases = [
        (everywhere(), arrived(2), answer(None, None), Proven, ""),
        (everywhere(), arrived(2), silent(), AnswersLost, "One way only"),
        (everywhere(), none(), silent(), NothingArrived, "forward UDP"),
        (everywhere(), none(), refused(), Refused, "Let it forward UDP"),
        (shared(&["127.0.0.1"]), none(), refused(), Refused, "loopback address only"),
        (shared(&[]), none(), refused(), Refused, "of one peer only"),
    ];
    for (local, arrivals, answer, verdict, words) in cases {
        let told = arrivals.connections > 0;
        let diagnosis = behind_nat(udp(local, arrivals, answer));
        let port = &diagnosis.families[0].ports[0];
        assert_eq!(port.verdict, verdict, "{words}");
        assert!(port.summary.ends_with("; wireguard-go (process 7) holds the port"), "{words}");
        assert!(
            port.advice.as_deref().unwrap_or_default().contains(words),
            "{words}: {:?}",
            port.advice
        );
        assert_eq!(kinds(&diagnosis).contains(&"stray_datagrams"), told, "{words}");
    }
}
