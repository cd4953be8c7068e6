//! The notices that follow from the facts of a family, or of the families together.

use super::{
    conclusion::{FamilyDiagnosis, Outcome},
    network_position::NetworkPosition,
    notice::Notice,
    verdict::PortVerdict,
};
use crate::facts::{FamilyFacts, Local, PortFacts};

pub(super) fn of_family(
    facts: &FamilyFacts,
    position: &NetworkPosition,
    quorum: usize,
) -> Vec<Notice> {
    let missing = |port: &PortFacts| port.local == Some(Local::FamilyMissing);
    if !facts.ports.is_empty() && facts.ports.iter().all(missing) {
        return vec![Notice::FamilyMissing(facts.family)];
    }
    let mut notices = failures(facts, quorum);
    match *position {
        NetworkPosition::BehindNat { seen, inside } => {
            notices.push(Notice::BehindNat { seen, inside })
        }
        NetworkPosition::CarrierGradeNat { address } => {
            notices.push(Notice::CarrierGradeNat { address })
        }
        NetworkPosition::Elsewhere | NetworkPosition::Direct(_) => {}
    }
    notices
}

fn failures(facts: &FamilyFacts, quorum: usize) -> Vec<Notice> {
    let failed: Vec<_> =
        facts.checkers.iter().filter_map(|checker| checker.failure.as_ref()).collect();
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

pub(super) fn of_all(families: &[FamilyDiagnosis]) -> Vec<Notice> {
    let loopback = loopback(families);
    let one_works = if loopback.is_some() { None } else { one_works(families) };
    [loopback, no_verdict(families), one_works].into_iter().flatten().collect()
}

fn one_works(families: &[FamilyDiagnosis]) -> Option<Notice> {
    let first = |outcome| families.iter().find(|family| family.outcome == Some(outcome));
    let works = first(Outcome::Accessible)?.family;
    let fails = first(Outcome::NotAccessible)?;
    let behind_nat = |notice: &Notice| {
        matches!(notice, Notice::BehindNat { .. } | Notice::CarrierGradeNat { .. })
    };
    let behind_nat = fails.notices.iter().any(behind_nat);
    Some(Notice::OnlyOneFamilyWorks { works, fails: fails.family, behind_nat })
}

fn loopback(families: &[FamilyDiagnosis]) -> Option<Notice> {
    let is_loopback = |family: &FamilyDiagnosis| {
        family.host.is_some() && family.address.is_some_and(|ip| ip.is_loopback())
    };
    families.iter().any(is_loopback).then_some(Notice::LoopbackOnly)
}

/// Whose fault it is that nothing is known of any port.
fn no_verdict(families: &[FamilyDiagnosis]) -> Option<Notice> {
    let ports = || families.iter().flat_map(|family| &family.ports);
    let mut checkers = families.iter().flat_map(|family| &family.checkers);
    let asked = ports().any(|port| port.verdict == PortVerdict::NoVerdict);
    if !asked || ports().any(|port| port.facts.answers.iter().any(Option::is_some)) {
        return None;
    }
    let answered =
        checkers.any(|checker| checker.failure.as_ref().is_some_and(|failure| failure.answered));
    Some(if answered { Notice::NoVerdictTheirs } else { Notice::NoVerdictOurs })
}
