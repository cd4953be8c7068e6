//! The verdict about one port, from what the checkers say and what our listener saw.

use port_checker_api::{ChallengeOutcome, PortResult, Reason};

use super::PortVerdict;
use crate::facts::{Local, PortFacts};

/// The verdict, and the positions of the checkers that found otherwise.
pub(super) fn judge(facts: &PortFacts, quorum: usize) -> (PortVerdict, Vec<usize>) {
    if facts.local == Some(Local::FamilyMissing) {
        return (PortVerdict::FamilyMissing, Vec::new());
    }
    let answers = facts.answers.iter().enumerate();
    let opinions: Vec<(usize, PortVerdict)> = answers
        .filter_map(|(index, answer)| Some((index, opinion(answer.as_ref()?, facts))))
        .collect();
    let (yes, no): (Vec<_>, Vec<_>) =
        opinions.into_iter().partition(|(_, verdict)| verdict.is_accessible());
    let positions = |opinions: &[(usize, PortVerdict)]| opinions.iter().map(|(at, _)| *at).collect();
    if yes.len() >= quorum.max(1) {
        return (strongest(&yes), positions(&no));
    }
    if no.is_empty() {
        return (PortVerdict::NoVerdict, Vec::new());
    }
    if !yes.is_empty() {
        return (PortVerdict::Disagreement, positions(&no));
    }
    let verdict = prevalent(&no);
    let others: Vec<_> = no.into_iter().filter(|(_, other)| *other != verdict).collect();
    (verdict, positions(&others))
}

/// What one checker's answer means, beside what we saw.
fn opinion(answer: &PortResult, facts: &PortFacts) -> PortVerdict {
    let ours = facts.local == Some(Local::Bound);
    let challenge = answer.details.as_ref().and_then(|details| details.challenge);
    if answer.accessible {
        return match (ours, facts.arrivals.connections, challenge) {
            (false, ..) => PortVerdict::Reachable,
            (true, 0, _) => PortVerdict::Contradicted,
            (true, _, Some(ChallengeOutcome::Matched)) => PortVerdict::Proven,
            (true, ..) => PortVerdict::Arrived,
        };
    }
    if matches!(facts.local, Some(Local::NotPermitted | Local::Failed { .. })) {
        return PortVerdict::NotBound;
    }
    match reason(answer) {
        Some(Reason::Refused) => PortVerdict::Refused,
        Some(Reason::TimedOut) if !ours => PortVerdict::TimedOut,
        Some(Reason::TimedOut) if facts.arrivals.any() => PortVerdict::AnswersLost,
        Some(Reason::TimedOut) => PortVerdict::NothingArrived,
        Some(Reason::HostUnreachable | Reason::NetworkUnreachable) => PortVerdict::Rejected,
        Some(Reason::Reset) => PortVerdict::Reset,
        Some(Reason::ChallengeFailed) if !facts.arrivals.any() => PortVerdict::AnotherHost,
        Some(Reason::ChallengeFailed) if challenge == Some(ChallengeOutcome::Silent) => {
            PortVerdict::AnswersLost
        }
        Some(Reason::ChallengeFailed) => PortVerdict::Intercepted,
        None => PortVerdict::NotReachable,
    }
}

/// Other checkers say no more than the text.
fn reason(answer: &PortResult) -> Option<Reason> {
    let told = answer.details.as_ref().and_then(|details| details.reason);
    told.or_else(|| answer.error.as_deref().and_then(Reason::from_text))
}

/// One proof is enough.
fn strongest(opinions: &[(usize, PortVerdict)]) -> PortVerdict {
    let order = [PortVerdict::Proven, PortVerdict::Arrived];
    let found = |wanted: &PortVerdict| opinions.iter().any(|(_, verdict)| verdict == wanted);
    order.into_iter().find(found).unwrap_or(PortVerdict::Reachable)
}

/// What most say; of equals, what the first of them says. A checker that is contradicted by what we
/// saw does not count beside one that is not.
fn prevalent(opinions: &[(usize, PortVerdict)]) -> PortVerdict {
    let sound = |verdict: PortVerdict| verdict != PortVerdict::Contradicted;
    let votes = |wanted: PortVerdict| opinions.iter().filter(|(_, found)| *found == wanted).count();
    let verdicts = opinions.iter().rev().map(|(_, verdict)| *verdict);
    verdicts
        .max_by_key(|&verdict| (sound(verdict), votes(verdict)))
        .expect("there is at least one opinion")
}
