//! Patterns over the ports of a family. They are likely, never certain.

use port_checker_api::Reason;

use super::notice::Notice;
use crate::facts::PortFacts;

/// Ports in a row that make a pattern: fewer are chance, or a few separate rules.
const MIN_RUN: usize = 10;

/// The first ports in a row answered, and all after them were silent: a guard against port scans does that, which
/// counts connections and then drops all further ones.
pub(super) fn scan_guard(ports: &[PortFacts], accessible: &[bool]) -> Option<Notice> {
    let answered = accessible.iter().take_while(|accessible| **accessible).count();
    let later = ports.get(answered..)?;
    let all_silent = later.iter().all(is_silent);
    let silent = later.len();
    (answered >= MIN_RUN && silent >= MIN_RUN && all_silent)
        .then_some(Notice::ScanGuard { answered, silent })
}

/// Whether every checker that gave a verdict got no answer.
fn is_silent(port: &PortFacts) -> bool {
    let mut answers = port.answers.iter().flatten().peekable();
    let timed_out = |error: &str| Reason::from_text(error) == Some(Reason::TimedOut);
    answers.peek().is_some() && answers.all(|answer| answer.error.as_deref().is_some_and(timed_out))
}
