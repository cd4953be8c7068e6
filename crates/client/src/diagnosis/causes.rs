//! Advice that depends on how far the connections came, and on the position of this machine.

use port_checker_api::{PortResult, Reason};

use super::{
    whereabouts::{INSIDE, OUTSIDE, advice, closed, family, ip, of, open, port, sights},
    *,
};
use crate::{
    facts::{Arrivals, Process},
    sights::Sights,
};

fn nginx(waiting: u32) -> Local {
    let by = Some(Process { pid: 7, name: "nginx".to_owned() });
    Local::InUse { by, listens_on: vec![ip("0.0.0.0")], waiting }
}

/// A port over TCP that timed out.
fn timed_out(local: Local, sights: Option<Sights>) -> PortFacts {
    PortFacts { sights, ..port(7466, local, closed(Reason::TimedOut)) }
}

#[test]
fn the_router_is_cleared_where_connections_wait_for_a_program() {
    let cleared = "the router is not the cause";
    let unknown = "If the port stays silent then, look at the firewalls and the router.";
    for (sights, words) in [(sights(true, false, None), cleared), (None, unknown)] {
        let diagnosis = of(family(OUTSIDE, vec![timed_out(nginx(1), sights)]));
        assert_eq!(diagnosis.families[0].ports[0].verdict, PortVerdict::ProgramHangs);
        assert!(advice(&diagnosis).contains(words), "{words}: {}", advice(&diagnosis));
    }
}

/// The one that was established shows that answers get out.
#[test]
fn a_connection_that_was_established_was_not_lost_on_the_way_out() {
    let verdict = |connections| {
        let silent = timed_out(Local::Bound, sights(true, true, None));
        let arrivals = Arrivals { connections, ..Arrivals::default() };
        of(family(OUTSIDE, vec![PortFacts { arrivals, ..silent }])).families[0].ports[0].verdict
    };
    assert_eq!(verdict(0), PortVerdict::AnswersLost);
    assert_eq!(verdict(1), PortVerdict::NothingArrived, "somebody else's");
}

/// The answer that left was the one to the checker that got through.
#[test]
fn an_answer_to_another_checker_says_nothing_about_the_one_that_timed_out() {
    let mut facts = family(OUTSIDE, vec![timed_out(nginx(0), sights(true, true, None))]);
    facts.checkers.push(facts.checkers[0].clone());
    facts.ports[0].answers.push(open());
    let port = of(facts).families.remove(0).ports.remove(0);
    assert_eq!(port.verdict, PortVerdict::Reachable);
    assert_eq!(port.dissent, [Opinion { checker: 0, verdict: PortVerdict::TimedOut }]);
}

#[test]
fn another_host_is_reached_through_a_router_or_directly() {
    let failed = || Some(PortResult::not_accessible(Reason::ChallengeFailed));
    let cases = [
        (OUTSIDE, "Let the router forward TCP to 192.168.1.10"),
        (INSIDE, "Look where the address leads."),
    ];
    for (seen, words) in cases {
        let diagnosis = of(family(seen, vec![port(7466, Local::Bound, failed())]));
        assert_eq!(diagnosis.families[0].ports[0].verdict, PortVerdict::AnotherHost);
        assert!(advice(&diagnosis).contains(words), "{words}: {}", advice(&diagnosis));
    }
}

#[test]
fn a_router_must_forward_to_the_host_of_a_container() {
    let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, open())]);
    facts.ports[0].arrivals = Arrivals::default();
    facts.host.as_mut().unwrap().bridged_container = true;
    let diagnosis = of(facts);
    assert_eq!(diagnosis.families[0].ports[0].verdict, PortVerdict::Contradicted);
    assert!(advice(&diagnosis).contains("to the host of this container"), "{diagnosis:?}");
}
