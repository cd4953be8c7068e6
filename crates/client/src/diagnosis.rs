//! From facts to verdicts and advice: a pure function.

use crate::facts::{CheckerFacts, Facts, FamilyFacts, PortFacts};

mod advice;
mod conclusion;
mod judgement;
mod network_position;
mod notice;
mod notices;
mod verdict;

pub use conclusion::{Diagnosis, FamilyDiagnosis, Opinion, Outcome, PortDiagnosis};
use judgement::judge;
use network_position::NetworkPosition;
pub use notice::Notice;
pub use verdict::PortVerdict;

/// Draws the conclusions. The same facts always lead to the same diagnosis.
///
/// ```
/// use port_checker_client::{Facts, Outcome, diagnose};
///
/// let nothing = diagnose(Facts { quorum: 1, families: vec![] });
/// assert_eq!(nothing.outcome, Outcome::NoVerdict);
/// ```
pub fn diagnose(facts: Facts) -> Diagnosis {
    let quorum = facts.quorum;
    // If no checker sees us at all, there is no family that is merely not there.
    let seen = facts.families.iter().any(|family| family.seen().is_some());
    let families: Vec<_> = facts
        .families
        .into_iter()
        .map(|family| FamilyFacts { asked_for: family.asked_for || !seen, ..family })
        .map(|family| diagnose_family(family, quorum))
        .collect();
    let outcome = together(families.iter().filter_map(|family| family.outcome));
    Diagnosis { outcome, notices: notices::of_all(&families), families }
}

fn diagnose_family(facts: FamilyFacts, quorum: usize) -> FamilyDiagnosis {
    let judged: Vec<_> = facts.ports.iter().map(|port| judge(port, quorum)).collect();
    let position =
        NetworkPosition::of(&facts, judged.iter().any(|(verdict, _)| verdict.is_accessible()));
    let notices = notices::of_family(&facts, &position, quorum);
    let address = facts.seen();
    let FamilyFacts { family, asked_for, host, checkers, ports } = facts;
    let ports: Vec<_> = ports
        .into_iter()
        .zip(judged)
        .map(|(port, judged)| diagnose_port(port, judged, &checkers, &position))
        .collect();
    let outcome = together(ports.iter().map(|port| match port.verdict {
        verdict if verdict.is_accessible() => Outcome::Accessible,
        PortVerdict::NoVerdict => Outcome::NoVerdict,
        _ => Outcome::NotAccessible,
    }));
    let outcome = (asked_for || address.is_some()).then_some(outcome);
    FamilyDiagnosis { family, outcome, address, host, notices, checkers, ports }
}

fn diagnose_port(
    facts: PortFacts,
    (verdict, dissent): (PortVerdict, Vec<Opinion>),
    checkers: &[CheckerFacts],
    position: &NetworkPosition,
) -> PortDiagnosis {
    let dissenters: Vec<_> = dissent
        .iter()
        .filter_map(|opinion| Some((checkers.get(opinion.checker)?.url.as_str(), opinion.verdict)))
        .collect();
    PortDiagnosis {
        accessible: verdict.is_accessible(),
        verdict,
        summary: verdict.summary(&facts),
        advice: advice::advice(verdict, &facts, position, &dissenters),
        dissent,
        facts,
    }
}

/// The worst of them; no verdict if there are none.
fn together(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let severity = |outcome: &Outcome| match outcome {
        Outcome::Accessible => 0,
        Outcome::NoVerdict => 1,
        Outcome::NotAccessible => 2,
    };
    outcomes.max_by_key(severity).unwrap_or(Outcome::NoVerdict)
}

#[cfg(test)]
mod tests;
