//! The verdict about one port, from the checkers' answers and the connections that arrived.

use std::net::IpAddr;

use port_checker_api::{ChallengeOutcome, IcmpMessage, PortResult, Reason, Transport};

use super::{
    conclusion::Opinion,
    path::{Station, is_blocked_here, last_station},
    verdict::PortVerdict,
};
use crate::{
    checker_words,
    facts::{Arrivals, Local, PortFacts},
};

/// The verdict, and the opinions of checkers that differ from it.
pub(super) fn judge(
    facts: &PortFacts,
    quorum: usize,
    own: &[IpAddr],
) -> (PortVerdict, Vec<Opinion>) {
    if facts.local == Some(Local::FamilyMissing) {
        return (PortVerdict::FamilyMissing, Vec::new());
    }
    // Over UDP nobody is asked about a port on which nothing here can answer.
    if facts.transport == Transport::Udp && is_not_bound(facts) {
        return (PortVerdict::NotBound, Vec::new());
    }
    let through = facts.answers.iter().flatten().filter(|answer| answer.accessible).count();
    let opinions = facts.answers.iter().enumerate().filter_map(|(checker, answer)| {
        let answer = answer.as_ref()?;
        let another_got_through = through > usize::from(answer.accessible);
        Some(Opinion { checker, verdict: opinion(answer, facts, another_got_through, own) })
    });
    let (yes, mut no): (Vec<_>, Vec<_>) =
        opinions.partition(|opinion| opinion.verdict.is_accessible());
    if yes.len() >= quorum.max(1) {
        return (strongest(&yes), no);
    }
    if no.is_empty() {
        return (PortVerdict::NoVerdict, Vec::new());
    }
    if !yes.is_empty() {
        return (PortVerdict::Disagreement, no);
    }
    let verdict = prevalent(&no);
    no.retain(|opinion| opinion.verdict != verdict);
    (verdict, no)
}

/// The opinion that follows from one checker's answer and the arrivals. If another checker got through, the
/// arrivals may be its connections, and say nothing about this one's. `own` are the addresses of this machine.
fn opinion(
    answer: &PortResult,
    facts: &PortFacts,
    another_got_through: bool,
    own: &[IpAddr],
) -> PortVerdict {
    let ours = is_ours(facts);
    let Arrivals { connections, half_open, .. } = &facts.arrivals;
    let arrived = *connections > 0 && !another_got_through;
    let challenge = challenge(answer);
    if answer.accessible {
        return match (ours, *connections, challenge) {
            (false, ..) => PortVerdict::Reachable,
            (true, 0, _) => PortVerdict::Contradicted,
            (true, _, Some(ChallengeOutcome::Matched)) => PortVerdict::Proven,
            (true, ..) => PortVerdict::Arrived,
        };
    }
    if is_not_bound(facts) {
        return PortVerdict::NotBound;
    }
    let stopped = [
        Reason::Refused,
        Reason::TimedOut,
        Reason::HostUnreachable,
        Reason::NetworkUnreachable,
        Reason::Reset,
    ];
    let reason = reason(answer);
    if !another_got_through
        && is_blocked_here(facts)
        && reason.is_some_and(|it| stopped.contains(&it))
    {
        return PortVerdict::BlockedHere;
    }
    if ours && icmp_from(answer).is_some_and(|from| own.contains(&from)) {
        return PortVerdict::BlockedHere;
    }
    match reason {
        Some(Reason::Refused) if is_by_a_router(answer, facts) => PortVerdict::Rejected,
        Some(Reason::Refused) => PortVerdict::Refused,
        Some(Reason::TimedOut) if arrived && facts.transport == Transport::Udp => {
            PortVerdict::AnswersLost
        }
        Some(Reason::TimedOut) if program_hangs(facts) => PortVerdict::ProgramHangs,
        Some(Reason::TimedOut)
            if !another_got_through
                && *connections == 0
                && half_open.is_empty()
                && last_station(facts) == Station::AnswerLeft =>
        {
            PortVerdict::AnswersLost
        }
        Some(Reason::TimedOut) if !ours || another_got_through => PortVerdict::TimedOut,
        // A connection that was established is not the one that timed out.
        Some(Reason::TimedOut) if !half_open.is_empty() => PortVerdict::AnswersLost,
        Some(Reason::TimedOut) => PortVerdict::NothingArrived,
        Some(Reason::HostUnreachable | Reason::NetworkUnreachable) => PortVerdict::Rejected,
        Some(Reason::Reset) => PortVerdict::Reset,
        Some(Reason::ChallengeFailed) if !arrived => PortVerdict::AnotherHost,
        Some(Reason::ChallengeFailed) if challenge == Some(ChallengeOutcome::Silent) => {
            PortVerdict::AnswersLost
        }
        Some(Reason::ChallengeFailed) => PortVerdict::Intercepted,
        // A newer checker knows more reasons.
        Some(_) | None => PortVerdict::NotReachable,
    }
}

fn is_ours(facts: &PortFacts) -> bool {
    facts.local.as_ref().is_some_and(Local::is_ours)
}

const fn is_not_bound(facts: &PortFacts) -> bool {
    matches!(facts.local, Some(Local::NotPermitted | Local::Failed { .. }))
}

/// Whether connections wait for the program that holds the port, which does not take them. If packets were watched
/// and none came, it is not the cause.
fn program_hangs(facts: &PortFacts) -> bool {
    matches!(&facts.local, Some(Local::InUse { waiting, .. }) if *waiting > 0)
        && last_station(facts) != Station::None
}

/// Whether an ICMP message refused the connection: a host that nothing listens on resets it instead. Over UDP it too
/// sends a message, that the port is unreachable.
fn is_by_a_router(answer: &PortResult, facts: &PortFacts) -> bool {
    let is_usual = facts.transport == Transport::Udp && says_port_unreachable(answer);
    icmp_from(answer).is_some() && is_ours(facts) && !is_usual
}

fn says_port_unreachable(answer: &PortResult) -> bool {
    let icmp = answer.details.as_ref().and_then(|details| details.icmp.as_ref());
    icmp.is_some_and(|icmp| icmp.message == IcmpMessage::PortUnreachable)
}

/// The sender of the ICMP message that ended the connection.
pub(super) fn icmp_from(answer: &PortResult) -> Option<IpAddr> {
    Some(answer.details.as_ref()?.icmp.as_ref()?.from.to_canonical())
}

/// The outcome of the challenge, if there was one that this version knows.
pub(super) fn challenge(answer: &PortResult) -> Option<ChallengeOutcome> {
    answer.details.as_ref()?.challenge.as_ref()?.known()
}

/// Other checkers say no more than a text, some in the words of their system.
fn reason(answer: &PortResult) -> Option<Reason> {
    let told = answer.details.as_ref().and_then(|details| details.reason.as_ref()?.known());
    told.or_else(|| answer.error.as_deref().and_then(checker_words::reason))
}

/// One proof is enough.
fn strongest(opinions: &[Opinion]) -> PortVerdict {
    let order = [PortVerdict::Proven, PortVerdict::Arrived];
    let found = |wanted: &PortVerdict| opinions.iter().any(|opinion| opinion.verdict == *wanted);
    order.into_iter().find(found).unwrap_or(PortVerdict::Reachable)
}

/// The verdict of most; of equals, that of the first. A checker that is contradicted by the arrivals does not
/// count beside one that is not.
fn prevalent(opinions: &[Opinion]) -> PortVerdict {
    let sound = |verdict| verdict != PortVerdict::Contradicted;
    let votes = |wanted| opinions.iter().filter(|opinion| opinion.verdict == wanted).count();
    let verdicts = opinions.iter().rev().map(|opinion| opinion.verdict);
    verdicts
        .max_by_key(|&verdict| (sound(verdict), votes(verdict)))
        .expect("there is at least one opinion")
}
