//! Patterns over the ports of a family. They are likely, never certain.

use port_checker_api::Reason;

use super::{
    notice::Notice,
    path::{Station, last_station},
    verdict::PortVerdict,
};
use crate::facts::PortFacts;

/// Ports in a row that make a pattern: fewer are chance, or a few separate rules.
const MIN_RUN: usize = 10;

/// The first ports in a row answered, and all after them were silent: a guard against port scans does that, which
/// counts connections and then drops all further ones.
pub(super) fn scan_guard(ports: &[PortFacts], verdicts: &[PortVerdict]) -> Option<Notice> {
    let answered = verdicts.iter().take_while(|verdict| verdict.is_accessible()).count();
    let (later, verdicts) = (ports.get(answered..)?, verdicts.get(answered..)?);
    let silent = later.len();
    let here = |verdict: &PortVerdict| *verdict == PortVerdict::BlockedHere;
    let none_came = |port: &PortFacts| last_station(port) == Station::None;
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

/// Whether every checker that gave a verdict got no answer, and neither the program nor the way back is the cause.
fn is_silent(port: &PortFacts, verdict: PortVerdict) -> bool {
    use PortVerdict::{BlockedHere, NothingArrived, TimedOut};
    let mut answers = port.answers.iter().flatten().peekable();
    let timed_out = |error: &str| Reason::from_text(error) == Some(Reason::TimedOut);
    [BlockedHere, NothingArrived, TimedOut].contains(&verdict)
        && answers.peek().is_some()
        && answers.all(|answer| answer.error.as_deref().is_some_and(timed_out))
}
