//! The position of this machine in the network.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    facts::{FamilyFacts, PortFacts},
    family::Family,
    host::Host,
};

/// The position of the machine whose ports are checked, over one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NetworkPosition {
    /// It is another machine, of which nothing is known.
    Elsewhere,
    /// The address seen outside is this machine's own; or nobody sees it.
    Direct(Family),
    /// The address seen outside is a router's.
    BehindNat {
        /// The address seen outside.
        seen: IpAddr,
        /// The address here.
        inside: Option<IpAddr>,
    },
    /// The address seen outside is the Internet provider's, shared with others.
    CarrierGradeNat {
        /// What gives it away.
        address: IpAddr,
    },
}

impl NetworkPosition {
    /// A port that is accessible proves that forwards can work.
    pub(super) fn of(facts: &FamilyFacts, any_accessible: bool) -> Self {
        let Some(host) = &facts.host else { return Self::Elsewhere };
        match facts.seen() {
            Some(seen) if !seen.is_loopback() && !host.addresses.contains(&seen) => {
                match shared_address(host) {
                    Some(address) if !any_accessible => Self::CarrierGradeNat { address },
                    _ => Self::BehindNat { seen, inside: host.outbound },
                }
            }
            _ => Self::Direct(facts.family),
        }
    }

    /// Where a router must forward to.
    pub(super) fn here(&self) -> String {
        match self {
            Self::BehindNat { inside: Some(inside), .. } => format!("{inside} (this machine)"),
            _ => "this machine".to_owned(),
        }
    }
}

/// An address for carrier-grade NAT on the way out, if there is one.
fn shared_address(host: &Host) -> Option<IpAddr> {
    [host.outbound, host.gateway].into_iter().flatten().find(|&ip| is_shared(ip))
}

/// 100.64.0.0/10, shared address space (RFC 6598).
fn is_shared(ip: IpAddr) -> bool {
    const FIRST: u32 = Ipv4Addr::new(100, 64, 0, 0).to_bits();
    matches!(ip, IpAddr::V4(v4) if v4.to_bits() >> 22 == FIRST >> 22)
}

impl FamilyFacts {
    /// The address seen outside. If checkers see several: one that this machine has, else the one that
    /// most of them see, else the one at which most ports were reached; of equals the first.
    pub(crate) fn seen(&self) -> Option<IpAddr> {
        let seen = || self.checkers.iter().enumerate();
        let seen = || seen().filter_map(|(index, checker)| Some((index, checker.address?)));
        let is_own = |ip: IpAddr| {
            let host = self.host.as_ref();
            !ip.is_loopback() && host.is_some_and(|host| host.addresses.contains(&ip))
        };
        let votes = |ip| seen().filter(|(_, other)| *other == ip).count();
        let rank =
            |&(checker, ip): &(usize, IpAddr)| (is_own(ip), votes(ip), self.reached(checker));
        // Of equals the last is taken.
        seen().collect::<Vec<_>>().into_iter().rev().max_by_key(rank).map(|(_, ip)| ip)
    }

    /// Ports that a checker reached while something arrived there.
    fn reached(&self, checker: usize) -> usize {
        let reached = |port: &&PortFacts| {
            let answer = port.answers.get(checker).and_then(Option::as_ref);
            port.arrivals.connections > 0 && answer.is_some_and(|answer| answer.accessible)
        };
        self.ports.iter().filter(reached).count()
    }
}
