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
        /// Whether a port is accessible nevertheless.
        works: bool,
    },
    /// The address checked is private: only the way through the local network was.
    LanOnly {
        /// The address from which checkers see this machine.
        seen: IpAddr,
    },
    /// Every checker that was asked is in the local network, and the address checked is one of the Internet.
    LanChecker {
        /// One of the checkers.
        checker: IpAddr,
        /// The address that was checked.
        seen: IpAddr,
    },
    /// Packets to the Internet leave through a tunnel.
    Tunnel {
        /// The interface.
        interface: String,
        /// The address seen outside.
        seen: IpAddr,
    },
    /// The router's own address is not the one seen outside.
    DoubleNat {
        /// The router.
        router: IpAddr,
        /// Its address on the side of the Internet.
        wan: IpAddr,
        /// The address seen outside.
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
    /// Strangers got no answer from ports of this machine that answered a checker, which it had talked to.
    ContactedHostsOnly {
        /// The address of the checker.
        checker: IpAddr,
        /// That of a stranger.
        stranger: IpAddr,
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
    /// Whether the check proves the local half only.
    pub(super) const fn is_local_only(&self) -> bool {
        matches!(self, Self::LoopbackOnly | Self::LanOnly { .. } | Self::LanChecker { .. })
    }

    /// Its name in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LoopbackOnly => "loopback_only",
            Self::BehindNat { .. } => "behind_nat",
            Self::LanOnly { .. } => "lan_only",
            Self::LanChecker { .. } => "lan_checker",
            Self::Tunnel { .. } => "tunnel",
            Self::DoubleNat { .. } => "double_nat",
            Self::TemporaryAddress { .. } => "temporary_address",
            Self::ScanGuard { .. } => "scan_guard",
            Self::ContactedHostsOnly { .. } => "contacted_hosts_only",
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
                write!(f, "{works} works and {fails} does not: a client that only has {fails} ")?;
                f.write_str("cannot reach you. ")?;
                if *behind_nat {
                    f.write_str("The forwards in the router are missing or cannot work. ")?;
                }
                write!(f, "Until that works, publish the {works} address only.")
            }
            position => position.fmt_position(f),
        }
    }
}

impl Notice {
    /// The words of notices about this machine's position in the network.
    fn fmt_position(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BehindNat { works: true, .. } => {
                f.write_str("This machine is behind NAT, and forwarding works.")
            }
            Self::BehindNat { seen, inside, .. } => {
                let here = inside.map_or_else(String::new, |inside| format!(" ({inside})"));
                write!(
                    f,
                    "Behind NAT: the address checked, {seen}, is not one of this machine{here}."
                )
            }
            Self::LanOnly { seen } => write!(
                f,
                "The checker sees this machine at {seen}, a private address: it is in the same local \
                 network. This proves the local network only. Whether the Internet reaches the ports, \
                 only a checker outside can tell."
            ),
            Self::LanChecker { checker, seen } => write!(
                f,
                "The checker at {checker} is in the local network. What it finds about {seen} says nothing \
                 about connections from the Internet: a router may pass connections from inside back in \
                 (hairpin NAT) and drop those from outside, or the reverse. Ask a checker outside."
            ),
            Self::Tunnel { interface, seen } => write!(
                f,
                "Packets to the Internet leave through {interface}, a tunnel such as a VPN: {seen} is the \
                 address of its other end, and a forward in your own router makes no difference. Let the \
                 checkers be reached without the tunnel, or ask its provider for forwarded ports."
            ),
            Self::DoubleNat { router, wan, seen } => write!(
                f,
                "No forward in the router {router} can work alone: its address on the Internet's side is {wan}, \
                 and the address checked is {seen}. Another router beyond it translates addresses: the provider's \
                 (carrier-grade NAT), or a second one of yours, which must then forward to {wan}. If it is \
                 the provider's, ask for a public IPv4 address, use IPv6, or rent a small server with a \
                 public address that tunnels to this machine."
            ),
            Self::TemporaryAddress { seen, stable } => write!(
                f,
                "{seen} is a temporary address of this machine, which will be replaced within a day or so. \
                 Its permanent address is {stable}: open and publish that one, and check it with \
                 --ip {stable}."
            ),
            &Self::ScanGuard { answered, silent, here } => {
                f.write_str(&scan_guard_words(answered, silent, here))
            }
            Self::CarrierGradeNat { address } => write!(
                f,
                "Carrier-grade NAT is likely: {address} is one of the addresses (100.64.0.0/10) that \
                 Internet providers share among many customers. If so, no forward in your own router can \
                 work: ask your provider for a public IPv4 address, use IPv6, or rent a small server \
                 with a public address that tunnels to this machine."
            ),
            &Self::ContactedHostsOnly { checker, stranger } => {
                f.write_str(&contacted_hosts_only_words(checker, stranger))
            }
            _ => unreachable!("it is about something else"),
        }
    }
}

fn contacted_hosts_only_words(checker: IpAddr, stranger: IpAddr) -> String {
    format!(
        "Connections of {stranger} came in, and ports that answered the checker did not answer it. Likely a \
         firewall on this machine bans it, or admits only hosts that this machine talked to first, as it did to \
         {checker}: ask a checker that connects from another address than the one at which it is asked."
    )
}

fn scan_guard_words(answered: usize, silent: usize, here: Option<bool>) -> String {
    let place = match here {
        Some(true) => "on this machine, such as fail2ban",
        Some(false) => "in the router or at the provider",
        None => "in a router, at the provider, or on this machine, such as fail2ban",
    };
    format!(
        "The first {answered} ports answered and all {silent} after them were silent. Likely causes: a guard \
         against port scans ({place}), or a rule that covers only the first ports. Verify the silent ones alone: \
         if they answer then, it is a guard; offer fewer ports at a time."
    )
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut notice = serializer.serialize_struct("Notice", 2)?;
        notice.serialize_field("kind", self.kind())?;
        notice.serialize_field("advice", &self.to_string())?;
        notice.end()
    }
}
