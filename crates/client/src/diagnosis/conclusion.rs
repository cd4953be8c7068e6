//! The conclusions from the facts: verdicts, advice and notices.

use std::net::IpAddr;

use serde::Serialize;

use super::{notice::Notice, verdict::PortVerdict, way_to_tell::way_to_tell};
use crate::{
    facts::{CheckerFacts, PortFacts, Watch},
    family::Family,
    host::Host,
    local_address::is_unreachable_from_outside,
    router::{PortMapping, RouterFacts},
};

/// The conclusions of a verification.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The whole in one word.
    pub outcome: Outcome,
    /// Notices about the families together.
    pub notices: Vec<Notice>,
    /// Each address family.
    pub families: Vec<FamilyDiagnosis>,
    /// What was done at the router, for each port of which that was tried.
    pub mappings: Vec<PortMapping>,
}

impl Diagnosis {
    /// Whether no checker outside of this machine's local network was asked.
    pub fn is_local_only(&self) -> bool {
        let of_families = self.families.iter().flat_map(|family| &family.notices);
        self.notices.iter().chain(of_families).any(Notice::is_local_only)
    }
}

/// The conclusions over one address family.
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
    /// Whether the packets of the run were watched, and how many were missed.
    pub watch: Watch,
    /// The router's own account of its address and its mappings; none if it was not asked.
    pub router: Option<RouterFacts>,
    /// Notices about all its ports.
    pub notices: Vec<Notice>,
    /// A limit of every such check, where it applies. Too common for a report to a person.
    pub note: Option<String>,
    /// The checkers, in the order given.
    pub checkers: Vec<CheckerFacts>,
    /// The ports, in the order given.
    pub ports: Vec<PortDiagnosis>,
}

impl FamilyDiagnosis {
    /// Whether the address that was checked is one that the Internet cannot reach: loopback, private, or a
    /// carrier's.
    pub fn is_private(&self) -> bool {
        self.address.is_some_and(is_unreachable_from_outside)
    }

    /// The sentence with which the advice for a port ends where more could be known: how to learn whether this
    /// machine's firewall is the cause. A report can say it once for several ports. None if there is no such way.
    pub fn way_to_tell(&self) -> Option<&'static str> {
        Some(way_to_tell(self.watch).trim_start()).filter(|words| !words.is_empty())
    }
}

/// The facts about one port over one address family.
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
    /// The findings of the checkers that disagree.
    pub dissent: Vec<Opinion>,
}

/// The finding of one checker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Opinion {
    /// Its position in the list of checkers.
    pub checker: usize,
    /// The finding.
    pub verdict: PortVerdict,
}

/// Ports together, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Every port is accessible.
    Accessible,
    /// Every port is accessible from this machine or its local network; nobody outside was asked.
    LocalOnly,
    /// At least one port is not.
    NotAccessible,
    /// No port is known not to be accessible, but at least one got no verdict.
    NoVerdict,
}
