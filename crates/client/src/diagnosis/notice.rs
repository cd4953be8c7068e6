//! Notices: advice that concerns more than one port.

use std::{fmt, net::IpAddr};

use port_checker_api::{Transport, TransportPortRanges};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    network_position::NetworkPosition,
    notice_words::{
        EARLIER_TRY, NO_VERDICT_OURS, NO_VERDICT_THEIRS, checker_failed, contacted_hosts_only,
        lan_only, limited_rejections, one_checker, one_family_works, one_transport_works,
        scan_guard, scattered_silence, stray_datagrams, too_few_verdicts,
    },
};
use crate::family::Family;

/// Something about the whole, with advice; in JSON `{"kind":"loopback_only","advice":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The address checked is loopback: only the local half was.
    LoopbackOnly,
    /// The position of this machine in the network, if it matters.
    Position(NetworkPosition),
    /// The address checked is private: only the way through the local network was.
    LanOnly {
        /// The address from which checkers see this machine.
        seen: IpAddr,
    },
    /// A checker of the local network beside others outside it: its answers do not count.
    LocalChecker {
        /// Where it is.
        url: String,
        /// The address that was checked.
        seen: IpAddr,
    },
    /// The address seen outside is temporary (RFC 8981).
    TemporaryAddress {
        /// That address.
        seen: IpAddr,
        /// A permanent one of the same network.
        stable: IpAddr,
    },
    /// The first ports answered and all later ones were silent.
    ScanGuard {
        /// How many answered.
        answered: usize,
        /// How many were silent.
        silent: usize,
        /// Whether it was this machine that dropped them; none if that is not known.
        here: Option<bool>,
    },
    /// Silent ports are scattered among ports that answered.
    ScatteredSilence {
        /// How many answered.
        answered: usize,
        /// How many were silent.
        silent: usize,
        /// The distance between silent ports, if it is always the same.
        every: Option<usize>,
    },
    /// Silent ports lie between or next to ports of the same transport that were rejected by ICMP.
    LimitedRejections {
        /// How many were rejected.
        rejected: usize,
        /// How many were silent.
        silent: usize,
    },
    /// Strangers got no answer from ports of this machine that answered a checker, which it had talked to.
    ContactedHostsOnly {
        /// The address of the checker.
        checker: IpAddr,
        /// That of a stranger.
        stranger: IpAddr,
    },
    /// One checker differs from the others in the same way at every port where they differ.
    OneChecker {
        /// Where it is.
        url: String,
        /// Whether it got through, and the others did not.
        reaches: bool,
        /// At how many ports.
        ports: usize,
        /// How many others there are.
        others: usize,
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
    /// The verification was stopped before every port had a verdict.
    Interrupted,
    /// A repetition was stopped: this is the diagnosis of the verification before it.
    EarlierTry,
    /// A number gets through over one transport and not over the other.
    OnlyOneTransportWorks {
        /// The ports that do not get through, of one transport.
        fails: TransportPortRanges,
        /// The transport over which their numbers do.
        works: Transport,
    },
    /// The check answered at ports that other programs hold, which got its datagrams too.
    StrayDatagrams {
        /// The ports.
        ports: TransportPortRanges,
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
    /// Whether the check proves the local half only.
    pub(super) const fn is_local_only(&self) -> bool {
        matches!(
            self,
            Self::LoopbackOnly
                | Self::LanOnly { .. }
                | Self::Position(
                    NetworkPosition::LanChecker { .. } | NetworkPosition::SameNetwork { .. }
                )
        )
    }

    /// Its name in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LoopbackOnly => "loopback_only",
            Self::Position(position) => position.kind(),
            Self::LanOnly { .. } => "lan_only",
            Self::TemporaryAddress { .. } => "temporary_address",
            Self::LocalChecker { .. } => "local_checker",
            Self::ScanGuard { .. } => "scan_guard",
            Self::ScatteredSilence { .. } => "scattered_silence",
            Self::LimitedRejections { .. } => "limited_rejections",
            Self::OneChecker { .. } => "one_checker",
            Self::ContactedHostsOnly { .. } => "contacted_hosts_only",
            Self::NotSeen { .. } => "not_seen",
            Self::FamilyMissing(_) => "family_missing",
            Self::CheckerFailed { .. } => "checker_failed",
            Self::NoVerdictTheirs => "no_verdict_theirs",
            Self::NoVerdictOurs => "no_verdict_ours",
            Self::TooFewVerdicts { .. } => "too_few_verdicts",
            Self::Interrupted => "interrupted",
            Self::EarlierTry => "earlier_try",
            Self::OnlyOneTransportWorks { .. } => "only_one_transport_works",
            Self::StrayDatagrams { .. } => "stray_datagrams",
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
            Self::NotSeen { family, why } => write!(
                f,
                "Not checked: no checker says from which {family} address it sees this machine. If it \
                 has one, give it with --ip. ({why})"
            ),
            Self::FamilyMissing(family) => {
                write!(f, "This machine has no {family} address: nothing can reach it that way.")
            }
            Self::CheckerFailed { message } => checker_failed(f, message),
            Self::NoVerdictTheirs => f.write_str(NO_VERDICT_THEIRS),
            Self::NoVerdictOurs => f.write_str(NO_VERDICT_OURS),
            &Self::TooFewVerdicts { verdicts, quorum } => too_few_verdicts(f, verdicts, quorum),
            Self::Interrupted => f.write_str(
                "Interrupted: this is what was known by then. That a port has no verdict says nothing about \
                 it.",
            ),
            Self::EarlierTry => f.write_str(EARLIER_TRY),
            &Self::OnlyOneFamilyWorks { works, fails, behind_nat } => {
                one_family_works(f, works, fails, behind_nat)
            }
            Self::OnlyOneTransportWorks { fails, works } => one_transport_works(f, fails, *works),
            Self::StrayDatagrams { ports } => stray_datagrams(f, ports),
            Self::Position(position) => position.fmt(f),
            &Self::LanOnly { seen } => lan_only(f, seen),
            Self::LocalChecker { url, seen } => write!(
                f,
                "{url} is in the local network. Its answers about {seen} do not count, because they say \
                 nothing about connections from the Internet."
            ),
            Self::TemporaryAddress { seen, stable } => write!(
                f,
                "{seen} is a temporary address of this machine, which will be replaced within a day or so. \
                 Its permanent address is {stable}: open and publish that one, and check it with \
                 --ip {stable}."
            ),
            &Self::ScanGuard { answered, silent, here } => scan_guard(f, answered, silent, here),
            &Self::ScatteredSilence { answered, silent, every } => {
                scattered_silence(f, answered, silent, every)
            }
            &Self::LimitedRejections { rejected, silent } => {
                limited_rejections(f, rejected, silent)
            }
            Self::OneChecker { url, reaches, ports, others } => {
                one_checker(f, url, *reaches, *ports, *others)
            }
            &Self::ContactedHostsOnly { checker, stranger } => {
                contacted_hosts_only(f, checker, stranger)
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
