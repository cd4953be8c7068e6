//! From facts to verdicts and advice: a pure function.

use std::{collections::HashMap, net::IpAddr};

use port_checker_api::TransportPort;

use crate::{
    facts::{CheckerFacts, Facts, FamilyFacts, Local, PortFacts},
    family::Family,
    host::Host,
};

mod advice;
mod checker_sources;
mod conclusion;
mod contacted;
mod judgement;
mod near_checkers;
mod network_position;
mod notice;
mod notice_words;
mod notices;
mod path;
mod patterns;
mod position_words;
mod refusals;
mod seen;
mod senders;
mod shared_ports;
mod silence;
mod surroundings;
mod transports;
mod udp_advice;
mod verdict;
mod way_to_tell;

use checker_sources::CheckerSources;
pub use conclusion::{Diagnosis, FamilyDiagnosis, Opinion, Outcome, PortDiagnosis};
use judgement::judge;
use near_checkers::local_checkers;
pub use network_position::NetworkPosition;
pub use notice::Notice;
use senders::Senders;
use surroundings::Surroundings;
pub use verdict::PortVerdict;

/// Draws the conclusions. The same facts always lead to the same diagnosis.
///
/// ```
/// use port_checker_client::{Facts, Outcome, diagnose};
///
/// let nothing = diagnose(Facts { quorum: 1, interrupted: false, families: vec![] });
/// assert_eq!(nothing.outcome, Outcome::NoVerdict);
/// ```
pub fn diagnose(facts: Facts) -> Diagnosis {
    let Facts { quorum, interrupted, .. } = facts;
    // If no checker sees us at all, there is no family that is merely not there.
    let seen = facts.families.iter().any(|family| family.seen().is_some());
    let other_families = local_halves(&facts.families);
    let families: Vec<_> = facts
        .families
        .into_iter()
        .filter(|family| !seen || !is_absent(family))
        .map(|family| FamilyFacts { asked_for: family.asked_for || !seen, ..family })
        .map(|family| diagnose_family(family, quorum, &other_families))
        .collect();
    let outcome = together(families.iter().filter_map(|family| family.outcome));
    let notices = notices::of_all(&families, interrupted);
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
fn local_halves(families: &[FamilyFacts]) -> HashMap<(Family, TransportPort), Local> {
    let ports =
        families.iter().flat_map(|family| family.ports.iter().map(|port| (family.family, port)));
    ports
        .filter_map(|(family, port)| Some(((family, port.transport_port()), port.local.clone()?)))
        .collect()
}

/// Whether a program listens on a port over the other family only: over this one, the listener of the verification
/// answers in its place.
fn only_over_other(
    family: Family,
    port: &PortFacts,
    locals: &HashMap<(Family, TransportPort), Local>,
) -> bool {
    let other = locals.get(&(family.other(), port.transport_port()));
    let listens = matches!(
        other,
        Some(Local::InUse { listens_on, .. } | Local::Shared { listens_on, .. })
            if !listens_on.is_empty()
    );
    port.local == Some(Local::Bound) && listens
}

fn judge_ports(
    facts: &FamilyFacts,
    quorum: usize,
    locals: &HashMap<(Family, TransportPort), Local>,
) -> Vec<(PortVerdict, Vec<Opinion>)> {
    let own = facts.host.as_ref().map_or(&[][..], |host| &host.addresses);
    facts
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
        .collect()
}

fn diagnose_family(
    mut facts: FamilyFacts,
    quorum: usize,
    locals: &HashMap<(Family, TransportPort), Local>,
) -> FamilyDiagnosis {
    for checker in local_checkers(&facts) {
        facts.ports.iter_mut().for_each(|port| forget(port, checker));
    }
    let sources = CheckerSources::of(&facts);
    let ports = facts.ports.iter().map(|port| sources.without_strangers(port));
    let (ports, senders): (_, Vec<Senders>) = ports.unzip();
    let (facts, all_facts) = (FamilyFacts { ports, ..facts }, facts.ports);
    let mut judged = judge_ports(&facts, quorum, locals);
    let any_accessible = judged.iter().any(|(verdict, _)| verdict.is_accessible());
    let position = NetworkPosition::of(&facts, any_accessible);
    if matches!(position, NetworkPosition::LanChecker { .. }) {
        judged.iter_mut().for_each(forget_failures_on_the_way);
    }
    let verdicts: Vec<_> = judged.iter().map(|(verdict, _)| *verdict).collect();
    let likely_causes = patterns::of_silence(&facts.ports, &verdicts);
    let patterns = likely_causes.iter().map(|(_, notice)| notice.clone());
    let patterns = patterns.chain(patterns::one_checker(&facts)).collect();
    let mut notices = notices::of_family(&facts, &position, quorum, &verdicts, patterns);
    let of_ports = facts.ports.iter().zip(&senders).zip(&verdicts);
    let of_ports = of_ports.map(|((port, senders), verdict)| (port, senders, *verdict));
    notices.extend(shared_ports::notice(&facts.ports));
    notices.extend(transports::notices(&facts.ports, &verdicts));
    notices.extend(contacted::notice(&sources, facts.host.as_ref(), of_ports));
    let note = contacted::note(&sources, facts.host.as_ref(), &verdicts);
    let address = facts.seen();
    let FamilyFacts { family, asked_for, host, router, watch, checkers, ports, .. } = facts;
    let surroundings = |senders| Surroundings {
        position: &position,
        host: host.as_ref(),
        router: router.as_ref(),
        watch,
        likely_causes: &likely_causes,
        checker: sources.first(),
        senders,
    };
    let ports = ports.iter().zip(&senders).zip(judged).zip(all_facts);
    let ports: Vec<_> = ports
        .map(|(((port, senders), judged), all_facts)| {
            let facts = diagnose_port(port, judged, &checkers, &surroundings(senders));
            PortDiagnosis { facts: all_facts, ..facts }
        })
        .collect();
    let outcome = together(ports.iter().map(|port| match port.verdict {
        verdict if verdict.is_accessible() => Outcome::Accessible,
        PortVerdict::NoVerdict => Outcome::NoVerdict,
        _ => Outcome::NotAccessible,
    }));
    let outcome = (asked_for || address.is_some()).then_some(outcome);
    FamilyDiagnosis {
        family,
        outcome,
        address,
        host,
        watch,
        router,
        notices,
        note,
        checkers,
        ports,
    }
}

/// Leaves an answer out that says nothing about the Internet.
fn forget(port: &mut PortFacts, checker: usize) {
    if let Some(answer) = port.answers.get_mut(checker) {
        *answer = None;
    }
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
    facts: &PortFacts,
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
        summary: verdict.summary(facts, surroundings.senders),
        advice: advice::advice(verdict, facts, surroundings, &dissenters),
        dissent,
        facts: facts.clone(),
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
mod both_transports;
#[cfg(test)]
mod causes;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod comparisons;
#[cfg(test)]
mod limited_messages;
#[cfg(test)]
mod neighbourhood;
#[cfg(test)]
mod sentences;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod udp;
#[cfg(test)]
mod udp_causes;
#[cfg(test)]
mod uplinks;
#[cfg(test)]
mod whereabouts;
#[cfg(test)]
mod wording;
