//! From facts to verdicts and advice: a pure function.

use std::net::IpAddr;

use serde::Serialize;

use crate::{
    Family,
    facts::{CheckerFacts, Facts, FamilyFacts, PortFacts},
    host::Host,
};

mod advice;
mod judgement;
mod notices;
mod place;
mod verdict;

use judgement::judge;
pub use notices::Notice;
use place::Place;
pub use verdict::PortVerdict;

/// What a verification came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The whole in one word.
    pub outcome: Outcome,
    /// What concerns the families together.
    pub notices: Vec<Notice>,
    /// Each address family.
    pub families: Vec<FamilyDiagnosis>,
}

/// What a verification came to over one address family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FamilyDiagnosis {
    /// The family.
    pub family: Family,
    /// The family in one word; none if it was not asked for by name and there is none.
    pub outcome: Option<Outcome>,
    /// The address that was checked: the first if checkers see several.
    pub address: Option<IpAddr>,
    /// This machine; none when ports of another one were asked about.
    pub host: Option<Host>,
    /// What concerns all its ports.
    pub notices: Vec<Notice>,
    /// The checkers, in the order given.
    pub checkers: Vec<CheckerFacts>,
    /// The ports, in the order given.
    pub ports: Vec<PortDiagnosis>,
}

/// What was found out about one port over one address family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PortDiagnosis {
    /// The facts the verdict comes from.
    #[serde(flatten)]
    pub facts: PortFacts,
    /// Whether the port is accessible.
    pub accessible: bool,
    /// The verdict.
    pub verdict: PortVerdict,
    /// The verdict in words.
    pub summary: String,
    /// What to do about it, in a sentence or two; the same for all ports in the same situation.
    pub advice: Option<String>,
    /// What those checkers found that found otherwise.
    pub dissent: Vec<Opinion>,
}

/// What one checker found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Opinion {
    /// Its position in the list of checkers.
    pub checker: usize,
    /// What it found.
    pub verdict: PortVerdict,
}

/// Ports together, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Every port is accessible.
    Accessible,
    /// At least one port is not.
    NotAccessible,
    /// No port is known not to be accessible, but at least one got no verdict.
    NoVerdict,
}

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
    let place = Place::of(&facts, judged.iter().any(|(verdict, _)| verdict.is_accessible()));
    let notices = notices::of_family(&facts, &place, quorum);
    let address = facts.seen();
    let FamilyFacts { family, asked_for, host, checkers, ports } = facts;
    let ports: Vec<_> = ports
        .into_iter()
        .zip(judged)
        .map(|(port, judged)| diagnose_port(port, judged, &checkers, &place))
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
    place: &Place,
) -> PortDiagnosis {
    let dissenters: Vec<_> = dissent
        .iter()
        .filter_map(|opinion| Some((checkers.get(opinion.checker)?.url.as_str(), opinion.verdict)))
        .collect();
    PortDiagnosis {
        accessible: verdict.is_accessible(),
        verdict,
        summary: verdict.summary(&facts),
        advice: advice::advice(verdict, &facts, place, &dissenters),
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
