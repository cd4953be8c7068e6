//! From facts to verdicts and advice: a pure function.

use std::{collections::HashMap, net::IpAddr};

use port_checker_api::Port;

use crate::{
    facts::{CheckerFacts, Facts, FamilyFacts, Local, PortFacts},
    family::Family,
    host::Host,
};

mod advice;
mod conclusion;
mod judgement;
mod network_position;
mod notice;
mod notices;
mod path;
mod patterns;
mod silence;
mod surroundings;
mod verdict;

pub use conclusion::{Diagnosis, FamilyDiagnosis, Opinion, Outcome, PortDiagnosis};
use judgement::judge;
use network_position::NetworkPosition;
pub use notice::Notice;
use surroundings::Surroundings;
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
    let other_families = local_halves(&facts.families);
    let families: Vec<_> = facts
        .families
        .into_iter()
        .filter(|family| !is_absent(family))
        .map(|family| FamilyFacts { asked_for: family.asked_for || !seen, ..family })
        .map(|family| diagnose_family(family, quorum, &other_families))
        .collect();
    let outcome = together(families.iter().filter_map(|family| family.outcome));
    let notices = notices::of_all(&families);
    let diagnosis = Diagnosis { outcome, notices, families, mappings: Vec::new() };
    match diagnosis.outcome {
        Outcome::Accessible if diagnosis.is_local_only() => {
            Diagnosis { outcome: Outcome::LocalOnly, ..diagnosis }
        }
        _ => diagnosis,
    }
}

/// Whether a family that nobody asked for is not there at all: no checker sees this machine over it, and it has no
/// address beyond its own links.
fn is_absent(facts: &FamilyFacts) -> bool {
    let is_wide = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    };
    let has_address = |host: &Host| host.addresses.iter().any(is_wide);
    facts.seen().is_none() && !facts.asked_for && !facts.host.as_ref().is_some_and(has_address)
}

/// The local half of each port of each family.
fn local_halves(families: &[FamilyFacts]) -> HashMap<(Family, Port), Local> {
    let ports =
        families.iter().flat_map(|family| family.ports.iter().map(|port| (family.family, port)));
    ports.filter_map(|(family, port)| Some(((family, port.port), port.local.clone()?))).collect()
}

/// Whether a program listens on a port over the other family only: over this one, the listener of the verification
/// answers in its place.
fn only_over_other(
    family: Family,
    port: &PortFacts,
    locals: &HashMap<(Family, Port), Local>,
) -> bool {
    let other = locals.get(&(family.other(), port.port));
    let listens = matches!(other, Some(Local::InUse { listens_on, .. }) if !listens_on.is_empty());
    port.local == Some(Local::Bound) && listens
}

fn diagnose_family(
    facts: FamilyFacts,
    quorum: usize,
    locals: &HashMap<(Family, Port), Local>,
) -> FamilyDiagnosis {
    let own = facts.host.as_ref().map_or(&[][..], |host| &host.addresses);
    let mut judged: Vec<_> = facts
        .ports
        .iter()
        .map(|port| match judge(port, quorum, own) {
            (verdict, dissent)
                if verdict.is_accessible() && only_over_other(facts.family, port, locals) =>
            {
                (PortVerdict::OtherFamilyOnly, dissent)
            }
            judged => judged,
        })
        .collect();
    let any_accessible = judged.iter().any(|(verdict, _)| verdict.is_accessible());
    let position = NetworkPosition::of(&facts, any_accessible);
    if matches!(position, NetworkPosition::LanChecker { .. }) {
        judged.iter_mut().for_each(forget_failures_on_the_way);
    }
    let verdicts: Vec<_> = judged.iter().map(|(verdict, _)| *verdict).collect();
    let guard = patterns::scan_guard(&facts.ports, &verdicts);
    let scan_guard = guard.is_some();
    let notices = notices::of_family(&facts, &position, quorum, &verdicts, guard);
    let address = facts.seen();
    let FamilyFacts { family, asked_for, host, router, watch, checkers, ports } = facts;
    let surroundings =
        Surroundings { position: &position, router: router.as_ref(), watch, scan_guard };
    let ports: Vec<_> = ports
        .into_iter()
        .zip(judged)
        .map(|(port, judged)| diagnose_port(port, judged, &checkers, &surroundings))
        .collect();
    let outcome = together(ports.iter().map(|port| match port.verdict {
        verdict if verdict.is_accessible() => Outcome::Accessible,
        PortVerdict::NoVerdict => Outcome::NoVerdict,
        _ => Outcome::NotAccessible,
    }));
    let outcome = (asked_for || address.is_some()).then_some(outcome);
    FamilyDiagnosis { family, outcome, address, host, notices, checkers, ports }
}

/// A checker in the local network cannot tell why a connection to an address of the Internet fails.
fn forget_failures_on_the_way((verdict, dissent): &mut (PortVerdict, Vec<Opinion>)) {
    use PortVerdict::{AnotherHost, Contradicted, NothingArrived, Refused, Rejected, TimedOut};
    if [AnotherHost, Contradicted, NothingArrived, Refused, Rejected, TimedOut].contains(verdict) {
        *verdict = PortVerdict::NoVerdict;
        dissent.clear();
    }
}

fn diagnose_port(
    facts: PortFacts,
    (verdict, dissent): (PortVerdict, Vec<Opinion>),
    checkers: &[CheckerFacts],
    surroundings: &Surroundings<'_>,
) -> PortDiagnosis {
    let dissenters: Vec<_> = dissent
        .iter()
        .filter_map(|opinion| Some((checkers.get(opinion.checker)?.url.as_str(), opinion.verdict)))
        .collect();
    PortDiagnosis {
        accessible: verdict.is_accessible(),
        verdict,
        summary: verdict.summary(&facts),
        advice: advice::advice(verdict, &facts, surroundings, &dissenters),
        dissent,
        facts,
    }
}

/// The worst of them; no verdict if there are none.
fn together(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let severity = |outcome: &Outcome| match outcome {
        Outcome::Accessible | Outcome::LocalOnly => 0,
        Outcome::NoVerdict => 1,
        Outcome::NotAccessible => 2,
    };
    outcomes.max_by_key(severity).unwrap_or(Outcome::NoVerdict)
}

#[cfg(test)]
mod claims;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod whereabouts;
