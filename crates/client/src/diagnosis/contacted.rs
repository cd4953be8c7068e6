//! Firewalls that admit only hosts which this machine talked to first. A checker is one, as soon as it is asked:
//! where it connects from the address at which it is asked, it cannot tell.

use super::{
    checker_sources::CheckerSources, notice::Notice, senders::Senders, verdict::PortVerdict,
};
use crate::{
    facts::{Local, PortFacts},
    host::Host,
    sights::PeerSights,
};

/// First packets of a connection to which an answer would have been seen: the later ones are sent when none comes.
const MIN_ATTEMPTS: u32 = 2;

const NOTE: &str = "The checkers connected from addresses at which this machine had talked to them: a firewall that \
    admits only hosts which this machine talked to first would not be noticed.";

/// That such a firewall would not be noticed.
pub(super) fn note(
    sources: &CheckerSources,
    host: Option<&Host>,
    verdicts: &[PortVerdict],
) -> Option<String> {
    let host = host?;
    let is_seen = verdicts.iter().any(|verdict| verdict.is_accessible());
    sources.contacted().filter(|checker| is_seen && !host.is_near(*checker))?;
    Some(NOTE.to_owned())
}

fn is_ours(port: &PortFacts) -> bool {
    port.local.as_ref().is_some_and(Local::is_ours)
}

/// Such a firewall is likely on this machine: strangers got no answer where the checkers did.
pub(super) fn notice<'a>(
    sources: &CheckerSources,
    host: Option<&Host>,
    ports: impl Iterator<Item = (&'a PortFacts, &'a Senders, PortVerdict)>,
) -> Option<Notice> {
    let host = host?;
    let checker = sources.contacted().filter(|checker| !host.is_near(*checker))?;
    let listened = ports.filter(|(port, _, verdict)| is_ours(port) && verdict.is_accessible());
    let strangers = listened.filter_map(|(_, senders, _)| senders.stranger.as_ref());
    let strangers: Vec<_> = strangers.filter(|stranger| !host.is_near(stranger.peer)).collect();
    let is_stopped =
        |stranger: &&&PeerSights| stranger.rejection.is_some() || stranger.probes >= MIN_ATTEMPTS;
    let stopped = strangers.iter().find(is_stopped)?;
    let none_answered = strangers.iter().all(|stranger| !stranger.answered);
    none_answered.then_some(Notice::ContactedHostsOnly { checker, stranger: stopped.peer })
}
