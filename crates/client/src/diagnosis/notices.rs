//! The notices that follow from the facts of a family, or of the families together.

use std::net::IpAddr;

use port_checker_api::{Transport, subscriber};

use super::{
    conclusion::{FamilyDiagnosis, Outcome, PortDiagnosis},
    near_checkers::local_checkers,
    network_position::NetworkPosition,
    notice::Notice,
    verdict::PortVerdict,
};
use crate::{
    facts::{FamilyFacts, Local, PortFacts},
    local_address::is_unreachable_from_outside,
};

pub(super) fn of_family(
    facts: &FamilyFacts,
    position: &NetworkPosition,
    quorum: usize,
    verdicts: &[PortVerdict],
    patterns: Vec<Notice>,
) -> Vec<Notice> {
    let missing = |port: &PortFacts| port.local == Some(Local::FamilyMissing);
    if !facts.ports.is_empty() && facts.ports.iter().all(missing) {
        return vec![Notice::FamilyMissing(facts.family)];
    }
    let mut notices = failures(facts, quorum);
    notices.extend(of_local_checkers(facts));
    notices.extend(of_position(position));
    notices.extend(temporary_address(facts, verdicts));
    notices.extend(patterns);
    notices
}

/// The position, unless there is nothing to say about it.
fn of_position(position: &NetworkPosition) -> Option<Notice> {
    match position {
        NetworkPosition::Elsewhere | NetworkPosition::Direct(_) => None,
        position => Some(Notice::Position(position.clone())),
    }
}

/// A notice for each checker whose answers do not count.
fn of_local_checkers(facts: &FamilyFacts) -> Vec<Notice> {
    let Some(seen) = facts.seen() else { return Vec::new() };
    let urls = local_checkers(facts).into_iter().map(|index| facts.checkers[index].url.clone());
    urls.map(|url| Notice::LocalChecker { url, seen }).collect()
}

/// A temporary address that is seen outside, while the machine has a permanent one of the same network.
fn temporary_address(facts: &FamilyFacts, verdicts: &[PortVerdict]) -> Option<Notice> {
    let host = facts.host.as_ref()?;
    let seen = facts.seen().filter(|seen| host.temporary.contains(seen))?;
    let prefix = |ip: &IpAddr| subscriber(*ip);
    let mut stable = host.addresses.iter().filter(|ip| !host.temporary.contains(ip));
    let stable = *stable.find(|ip| prefix(ip) == prefix(&seen))?;
    let fails = verdicts.iter().any(|verdict| !verdict.is_accessible());
    fails.then_some(Notice::TemporaryAddress { seen, stable })
}

fn failures(facts: &FamilyFacts, quorum: usize) -> Vec<Notice> {
    let failed: Vec<_> =
        facts.checkers.iter().filter_map(|checker| checker.failure.as_ref()).collect();
    if failed.is_empty() {
        return Vec::new();
    }
    let answered = failed.iter().any(|failure| failure.answered);
    if facts.seen().is_none() && (answered || !facts.asked_for) {
        let why = failed.first().map(|failure| failure.message.clone()).unwrap_or_default();
        return vec![Notice::NotSeen { family: facts.family, why }];
    }
    let mut notices: Vec<_> = failed
        .iter()
        .map(|failure| Notice::CheckerFailed { message: failure.message.clone() })
        .collect();
    let verdicts = facts.checkers.len() - failed.len();
    if verdicts > 0 && verdicts < quorum {
        notices.push(Notice::TooFewVerdicts { verdicts, quorum });
    }
    notices
}

pub(super) fn of_all(families: &[FamilyDiagnosis], interrupted: bool) -> Vec<Notice> {
    let loopback = loopback(families);
    let no_verdict = if interrupted { unfinished(families) } else { no_verdict(families) };
    let one_works = if loopback.is_some() { None } else { one_works(families) };
    [loopback, no_verdict, one_works].into_iter().flatten().collect()
}

fn one_works(families: &[FamilyDiagnosis]) -> Option<Notice> {
    let first = |outcome| families.iter().find(|family| family.outcome == Some(outcome));
    let works = first(Outcome::Accessible)?.family;
    let fails = first(Outcome::NotAccessible)?;
    let behind_nat = |notice: &Notice| {
        use NetworkPosition::{
            BehindNat, CarrierGradeNat, DoubleNat, NoPublicAddress, NotTheRouters,
        };
        let Notice::Position(position) = notice else { return false };
        matches!(
            position,
            BehindNat { .. }
                | CarrierGradeNat { .. }
                | DoubleNat { .. }
                | NoPublicAddress { .. }
                | NotTheRouters { .. }
        )
    };
    // A port that came as far as this machine has a forward.
    let not_forwarded = |port: &PortDiagnosis| {
        use PortVerdict::{AnotherHost, NothingArrived, Refused, Rejected, TimedOut};
        [AnotherHost, NothingArrived, Refused, Rejected, TimedOut].contains(&port.verdict)
    };
    let behind_nat = fails.notices.iter().any(behind_nat) && fails.ports.iter().any(not_forwarded);
    Some(Notice::OnlyOneFamilyWorks { works, fails: fails.family, behind_nat })
}

/// A check that proves only a part of the way: this machine, or its local network.
fn loopback(families: &[FamilyDiagnosis]) -> Option<Notice> {
    let own = || families.iter().filter(|family| family.host.is_some());
    let addresses = || own().filter_map(|family| family.address);
    if addresses().any(|address| address.is_loopback()) {
        return Some(Notice::LoopbackOnly);
    }
    addresses()
        .find(|address| is_unreachable_from_outside(*address))
        .map(|seen| Notice::LanOnly { seen })
}

/// That there was no time for some ports.
fn unfinished(families: &[FamilyDiagnosis]) -> Option<Notice> {
    let mut ports = families.iter().flat_map(|family| &family.ports);
    let unfinished = ports.any(|port| port.verdict == PortVerdict::NoVerdict);
    (unfinished || families.is_empty()).then_some(Notice::Interrupted)
}

/// Whether nobody was asked about a UDP port, because another program has it.
fn is_held_over_udp(port: &PortDiagnosis) -> bool {
    let PortFacts { transport, local, .. } = &port.facts;
    *transport == Transport::Udp && matches!(local, Some(Local::InUse { .. }))
}

/// Whose fault it is that nothing is known of any port.
fn no_verdict(families: &[FamilyDiagnosis]) -> Option<Notice> {
    let ports = || families.iter().flat_map(|family| &family.ports);
    let mut checkers = families.iter().flat_map(|family| &family.checkers);
    let asked =
        ports().any(|port| port.verdict == PortVerdict::NoVerdict && !is_held_over_udp(port));
    if !asked || ports().any(|port| port.facts.answers.iter().any(Option::is_some)) {
        return None;
    }
    let answered =
        checkers.any(|checker| checker.failure.as_ref().is_some_and(|failure| failure.answered));
    Some(if answered { Notice::NoVerdictTheirs } else { Notice::NoVerdictOurs })
}
