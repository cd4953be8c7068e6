//! Notices: advice that concerns more than one port.

use std::{fmt, net::IpAddr};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::family::Family;

/// Something about the whole, with advice; in JSON `{"kind":"behind_nat","advice":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The address checked is loopback: only the local half was.
    LoopbackOnly,
    /// The address seen outside is on no local interface.
    BehindNat {
        /// The address seen outside.
        seen: IpAddr,
        /// The address here.
        inside: Option<IpAddr>,
    },
    /// This machine or its gateway has an address for carrier-grade NAT (RFC 6598).
    CarrierGradeNat {
        /// That address.
        address: IpAddr,
    },
    /// No checker sees this machine over the family.
    NotSeen {
        /// The family.
        family: Family,
        /// Why, in the first checker's case.
        why: String,
    },
    /// This machine does not know the family.
    FamilyMissing(
        /// The family.
        Family,
    ),
    /// A checker gave no verdict, while another did.
    CheckerFailed {
        /// Why, in words that name it.
        message: String,
    },
    /// No checker gave a verdict; at least one answered.
    NoVerdictTheirs,
    /// No checker gave a verdict; none could even be talked to.
    NoVerdictOurs,
    /// Fewer checkers gave a verdict than must agree.
    TooFewVerdicts {
        /// How many gave one.
        verdicts: usize,
        /// How many must agree.
        quorum: usize,
    },
    /// One family works and the other does not.
    OnlyOneFamilyWorks {
        /// The one that works.
        works: Family,
        /// The one that does not.
        fails: Family,
        /// Whether a router stands before the one that does not.
        behind_nat: bool,
    },
}

impl Notice {
    /// Its name in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LoopbackOnly => "loopback_only",
            Self::BehindNat { .. } => "behind_nat",
            Self::CarrierGradeNat { .. } => "carrier_grade_nat",
            Self::NotSeen { .. } => "not_seen",
            Self::FamilyMissing(_) => "family_missing",
            Self::CheckerFailed { .. } => "checker_failed",
            Self::NoVerdictTheirs => "no_verdict_theirs",
            Self::NoVerdictOurs => "no_verdict_ours",
            Self::TooFewVerdicts { .. } => "too_few_verdicts",
            Self::OnlyOneFamilyWorks { .. } => "only_one_family_works",
        }
    }
}

/// For a person: what it is and what to do about it.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoopbackOnly => f.write_str(
                "Checked over loopback only. This proves the local half: the ports can be listened on \
                 and answer on this machine. Whether the Internet reaches them, only a checker outside \
                 can tell: name one with --server.",
            ),
            Self::BehindNat { seen, inside } => {
                write!(f, "Behind NAT: {seen} is the router's address, not this machine's. ")?;
                match inside {
                    Some(inside) => write!(f, "The router must forward each port to {inside}."),
                    None => f.write_str("The router must forward each port to this machine."),
                }
            }
            Self::CarrierGradeNat { address } => write!(
                f,
                "Carrier-grade NAT is likely: {address} is one of the addresses (100.64.0.0/10) that \
                 Internet providers share among many customers, and no forward in your own router can \
                 work. Ask your provider for a public IPv4 address, use IPv6, or rent a small server \
                 with a public address that tunnels to this machine."
            ),
            Self::NotSeen { family, why } => write!(
                f,
                "Not checked: no checker says from which {family} address it sees this machine. If it \
                 has one, give it with --ip. ({why})"
            ),
            Self::FamilyMissing(family) => {
                write!(f, "This machine has no {family} address: nothing can reach it that way.")
            }
            Self::CheckerFailed { message } => {
                let end = if message.ends_with('?') { "" } else { "." };
                write!(f, "A checker gave no verdict: {message}{end}")
            }
            Self::NoVerdictTheirs => f.write_str(
                "No checker gave a verdict, which says nothing about your ports. Do what the messages \
                 say, try again later, or ask another checker.",
            ),
            Self::NoVerdictOurs => f.write_str(
                "No checker could be talked to, which says nothing about your ports. Is the address \
                 right, does this machine's connection work, does its firewall let it out, and are the \
                 certificates of checkers over HTTPS trusted here (--ca-file)?",
            ),
            Self::TooFewVerdicts { verdicts, quorum } => write!(
                f,
                "Only {verdicts} {} gave a verdict where {quorum} must agree. Ask more checkers, or \
                 lower --quorum.",
                if *verdicts == 1 { "checker" } else { "checkers" }
            ),
            Self::OnlyOneFamilyWorks { works, fails, behind_nat } => {
                write!(f, "{works} works and {fails} does not: whoever only has {fails} cannot ")?;
                f.write_str("reach you. ")?;
                if *behind_nat {
                    f.write_str("The forwards in the router are missing or cannot work. ")?;
                }
                write!(f, "Until that is mended, publish the {works} address only.")
            }
        }
    }
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut notice = serializer.serialize_struct("Notice", 2)?;
        notice.serialize_field("kind", self.kind())?;
        notice.serialize_field("advice", &self.to_string())?;
        notice.end()
    }
}
