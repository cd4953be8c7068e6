//! The verdict about one port.

use serde::Serialize;

use super::senders::Senders;
use crate::{
    facts::{Local, PortFacts},
    sights::Sights,
};

/// The verdict about one port over one address family; in JSON in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PortVerdict {
    /// Reachable, and a checker brought our challenge back: the listener is ours.
    Proven,
    /// Reachable, and the connection arrived at our listener; the checker knows no challenge.
    Arrived,
    /// Reachable; whether it was this machine that answered is not known.
    Reachable,
    /// Something answered that is not our listener, and nothing arrived here.
    AnotherHost,
    /// The connection arrived here, but something in between answers with other words than ours.
    Intercepted,
    /// A checker says that it is reachable, but nothing arrived at our listener.
    Contradicted,
    /// The connection arrived at an interface of this machine, whose firewall did not let it pass.
    BlockedHere,
    /// The connection arrived here, but our answers do not get out.
    AnswersLost,
    /// The listener of the verification answered: the program that uses the port listens over the other address
    /// family only.
    OtherFamilyOnly,
    /// The program that holds the port does not take its connections: its queue is full.
    ProgramHangs,
    /// Timed out, and nothing arrived at our listener.
    NothingArrived,
    /// Timed out; there was no listener of ours.
    TimedOut,
    /// Refused.
    Refused,
    /// A router or a firewall on the way says that it cannot or must not pass the connection on.
    Rejected,
    /// Something accepted the connection and hung up at once.
    Reset,
    /// Not reachable, for a reason that the checker gave in its own words.
    NotReachable,
    /// Not reachable, and it could not be listened on.
    NotBound,
    /// This machine does not know the address family.
    FamilyMissing,
    /// Some checkers got through and some did not, and too few did.
    Disagreement,
    /// Too few checkers gave a verdict.
    NoVerdict,
}

impl PortVerdict {
    /// Whether the port counts as accessible.
    pub const fn is_accessible(self) -> bool {
        matches!(self, Self::Proven | Self::Arrived | Self::Reachable)
    }

    /// The verdict in a few words.
    pub(super) fn summary(self, facts: &PortFacts, senders: &Senders) -> String {
        let summary = self.summary_over_tcp(facts, senders);
        match &facts.udp_holder {
            Some(holder) => format!(
                "{summary}; {} (process {}) uses the number over UDP, which {}/udp checks",
                holder.name, holder.pid, facts.port
            ),
            None => summary,
        }
    }

    fn summary_over_tcp(self, facts: &PortFacts, senders: &Senders) -> String {
        let arrived_at = facts.sights.as_ref().and_then(Sights::interface);
        let words = match self {
            Self::BlockedHere if arrived_at.is_some() && !senders.is_certain => {
                format!("likely {}", self.words())
            }
            // Somebody's connection did arrive, who is hardly a checker.
            Self::NothingArrived if senders.neighbour.is_some() => {
                Self::TimedOut.words().to_owned()
            }
            _ => self.words().to_owned(),
        };
        match &facts.local {
            Some(
                Local::InUse { by: Some(holder), .. } | Local::Shared { by: Some(holder), .. },
            ) => {
                format!("{words}; {} (process {}) holds the port", holder.name, holder.pid)
            }
            Some(Local::InUse { by: None, .. } | Local::Shared { by: None, .. }) => {
                format!("{words}; another program holds the port")
            }
            _ if self == Self::BlockedHere => match arrived_at {
                Some(interface) if senders.is_certain => {
                    format!("{words}; it arrived at {interface}")
                }
                Some(interface) => format!("{words}; a connection arrived at {interface}"),
                None => words,
            },
            Some(Local::NotPermitted | Local::Failed { .. }) if self.is_accessible() => {
                format!("{words}; we could not listen there")
            }
            Some(Local::NotPermitted) => "not permitted to listen there".to_owned(),
            _ if self == Self::NotReachable => format!("{words}: {}", own_words(facts)),
            _ => words,
        }
    }

    /// The verdict in a few words, whatever holds the port.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Proven => "reachable, proven ours",
            Self::Arrived => "reachable, and it arrived here",
            Self::Reachable => "reachable",
            Self::AnotherHost => "another host answered",
            Self::Intercepted => "something in between answered",
            Self::Contradicted => "said to be reachable, but nothing arrived here",
            Self::BlockedHere => "this machine's firewall blocks it",
            Self::AnswersLost => "it arrived here, but our answers do not get out",
            Self::OtherFamilyOnly => "your program does not listen over this address family",
            Self::ProgramHangs => "the program does not take connections",
            Self::NothingArrived => "timed out, and nothing arrived here",
            Self::TimedOut => "timed out",
            Self::Refused => "refused",
            Self::Rejected => "rejected on the way",
            Self::Reset => "accepted and hung up at once",
            Self::NotReachable => "not reachable",
            Self::NotBound => "could not be listened on",
            Self::FamilyMissing => "this machine has no such address family",
            Self::Disagreement => "the checkers disagree",
            Self::NoVerdict => "no verdict",
        }
    }
}

fn own_words(facts: &PortFacts) -> &str {
    let answers = facts.answers.iter().flatten();
    answers.filter_map(|answer| answer.error.as_deref()).next().unwrap_or("no reason given")
}
