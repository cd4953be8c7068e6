//! Patterns over the ports of a family. They are likely, never certain.

use std::collections::BTreeSet;

use port_checker_api::{Reason, Transport};

use super::{
    judgement::icmp_from,
    notice::Notice,
    path::{Station, last_station},
    verdict::PortVerdict,
};
use crate::facts::{FamilyFacts, PortFacts};

/// Ports in a row that make a pattern: fewer are chance, or a few separate rules.
const MIN_RUN: usize = 10;

/// ICMP messages about one check that a limit may let pass, all at its beginning: Linux sends six at once, and then one a
/// second. More than these in a row are rejected by a separate rule.
const MAX_MESSAGES: usize = 10;

/// The likely cause of the ports of each transport that are silent, if the order of its ports suggests one.
pub(super) fn of_silence(
    ports: &[PortFacts],
    verdicts: &[PortVerdict],
) -> Vec<(Transport, Notice)> {
    let over = |transport: &Transport| {
        let pairs = ports.iter().zip(verdicts).filter(|(port, _)| port.transport == *transport);
        let (ports, verdicts): (Vec<&PortFacts>, Vec<PortVerdict>) = pairs.unzip();
        let cause = scan_guard(&ports, &verdicts)
            .or_else(|| scattered(&ports, &verdicts))
            .or_else(|| limited_rejections(&ports, &verdicts))?;
        Some((*transport, cause))
    };
    Transport::ALL.iter().filter_map(over).collect()
}

/// Silent ports lie between or next to ports that were rejected by ICMP: who rejects many sends few such messages.
fn limited_rejections(ports: &[&PortFacts], verdicts: &[PortVerdict]) -> Option<Notice> {
    let those = |wanted: fn(&PortFacts, PortVerdict) -> bool| -> BTreeSet<u16> {
        let pairs = ports.iter().zip(verdicts).filter(|(port, verdict)| wanted(port, **verdict));
        pairs.map(|(port, _)| port.port.get()).collect()
    };
    let (silent, rejected) = (those(is_silent), those(is_rejected_by_icmp));
    let (first, last) = (*rejected.first()?, *rejected.last()?);
    let between = silent.range(first..last).next().is_some();
    let is_beside = |port: &u16| {
        [port.saturating_sub(1), port.saturating_add(1)].iter().any(|it| silent.contains(it))
    };
    let few = rejected.len() <= MAX_MESSAGES && rejected.iter().any(is_beside);
    let (silent, rejected) = (silent.len(), rejected.len());
    ((between || few) && silent + rejected >= MIN_RUN)
        .then_some(Notice::LimitedRejections { rejected, silent })
}

/// Whether an ICMP message ended the attempts, about which Linux and routers are sparing; they are not about RST.
fn is_rejected_by_icmp(port: &PortFacts, verdict: PortVerdict) -> bool {
    match verdict {
        PortVerdict::Rejected => true,
        PortVerdict::Refused => {
            port.transport == Transport::Udp
                || port.answers.iter().flatten().any(|it| icmp_from(it).is_some())
        }
        _ => false,
    }
}

/// The first ports in a row answered, and all after them were silent: a guard against port scans does that, which
/// counts connections and then drops all further ones.
fn scan_guard(ports: &[&PortFacts], verdicts: &[PortVerdict]) -> Option<Notice> {
    let answered = verdicts.iter().take_while(|verdict| verdict.is_accessible()).count();
    let (later, verdicts) = (ports.get(answered..)?, verdicts.get(answered..)?);
    let silent = later.len();
    let here = |verdict: &PortVerdict| *verdict == PortVerdict::BlockedHere;
    let none_came = |port: &&PortFacts| last_station(port) == Station::None;
    let here = if verdicts.iter().all(here) {
        Some(true)
    } else if later.iter().all(none_came) {
        Some(false)
    } else {
        None
    };
    let all_silent = later.iter().zip(verdicts).all(|(port, verdict)| is_silent(port, *verdict));
    (answered >= MIN_RUN && silent >= MIN_RUN && all_silent).then_some(Notice::ScanGuard {
        answered,
        silent,
        here,
    })
}

/// Silent ports alternate with ports that answered: rules of firewalls and routers cover ranges.
fn scattered(ports: &[&PortFacts], verdicts: &[PortVerdict]) -> Option<Notice> {
    let pairs = || ports.iter().zip(verdicts);
    let judged: Vec<bool> = pairs()
        .filter_map(|(port, verdict)| match verdict {
            verdict if verdict.is_accessible() => Some(false),
            verdict => is_silent(port, *verdict).then_some(true),
        })
        .collect();
    let changes = judged.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let silent: Vec<usize> =
        judged.iter().enumerate().filter_map(|(at, silent)| silent.then_some(at)).collect();
    let distances: Vec<usize> = silent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let every = distances.first().copied().filter(|first| distances.iter().all(|it| it == first));
    (changes >= MIN_RUN && judged.len() == ports.len()).then_some(Notice::ScatteredSilence {
        answered: judged.len() - silent.len(),
        silent: silent.len(),
        every,
    })
}

/// A checker that alone differs from the others, in the same way wherever they differ.
pub(super) fn one_checker(facts: &FamilyFacts) -> Option<Notice> {
    let differing: Vec<_> = facts.ports.iter().filter_map(odd_one_out).collect();
    let &(checker, reaches, others) = differing.first()?;
    let same = |it: &(usize, bool, usize)| (it.0, it.1) == (checker, reaches);
    let mixed = facts.ports.iter().filter(|port| is_mixed(port)).count();
    (differing.len() == mixed && differing.iter().all(same)).then(|| Notice::OneChecker {
        url: facts.checkers[checker].url.clone(),
        reaches,
        ports: mixed,
        others,
    })
}

/// Whether one checker got through to a port and another did not.
fn is_mixed(port: &PortFacts) -> bool {
    let accessible = |wanted| port.answers.iter().flatten().any(|it| it.accessible == wanted);
    accessible(true) && accessible(false)
}

/// The checker that alone got through, or alone did not, and how many others there are. Of two, it is the one that
/// got through.
fn odd_one_out(port: &PortFacts) -> Option<(usize, bool, usize)> {
    let answers = port.answers.iter().enumerate();
    let answers: Vec<_> =
        answers.filter_map(|(index, it)| Some((index, it.as_ref()?.accessible))).collect();
    let alone = |wanted: bool| {
        let mut found = answers.iter().filter(|(_, accessible)| *accessible == wanted);
        found.next().filter(|_| found.next().is_none() && answers.len() > 1)
    };
    let &(checker, reaches) = alone(true).or_else(|| alone(false))?;
    Some((checker, reaches, answers.len() - 1))
}

/// Whether every checker that gave a verdict got no answer, and neither the program nor the way back is the cause.
fn is_silent(port: &PortFacts, verdict: PortVerdict) -> bool {
    use PortVerdict::{BlockedHere, NothingArrived, TimedOut};
    let mut answers = port.answers.iter().flatten().peekable();
    let timed_out = |error: &str| Reason::from_text(error) == Some(Reason::TimedOut);
    [BlockedHere, NothingArrived, TimedOut].contains(&verdict)
        && answers.peek().is_some()
        && answers.all(|answer| answer.error.as_deref().is_some_and(timed_out))
}
