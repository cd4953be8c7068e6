//! Where this machine stands in the network.

use std::net::{IpAddr, Ipv4Addr};

use crate::{Family, facts::FamilyFacts, host::Host};

/// Where the machine stands whose ports are checked, over one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
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

impl Place {
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
    /// The address seen outside: the first, if checkers see several.
    pub(crate) fn seen(&self) -> Option<IpAddr> {
        self.checkers.iter().find_map(|checker| checker.address)
    }
}
