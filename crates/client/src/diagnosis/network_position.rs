//! The position of this machine in the network.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    facts::{FamilyFacts, PortFacts},
    family::Family,
    host::Host,
    local_address::is_local,
};

/// The position of the machine whose ports are checked, over one family.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Packets leave through a tunnel: the address seen outside is that of the tunnel's other end.
    Tunnel {
        /// The interface.
        interface: String,
        /// The address seen outside.
        seen: IpAddr,
    },
    /// The router's own address is not the one seen outside: another router translates addresses beyond it.
    DoubleNat {
        /// The router.
        router: IpAddr,
        /// Its address on the side of the Internet.
        wan: IpAddr,
        /// The address seen outside.
        seen: IpAddr,
    },
    /// Every checker that was asked is in this machine's local network: none can tell what happens outside.
    LanChecker {
        /// One of them.
        checker: IpAddr,
        /// The address that was checked.
        seen: IpAddr,
    },
    /// The address seen outside is probably the Internet provider's, shared with others.
    CarrierGradeNat {
        /// The address that suggests it.
        address: IpAddr,
    },
}

impl NetworkPosition {
    /// A port that is accessible proves that forwards can work.
    pub(super) fn of(facts: &FamilyFacts, any_accessible: bool) -> Self {
        let Some(host) = &facts.host else { return Self::Elsewhere };
        if let Some((checker, seen)) = lan_checker(facts) {
            return Self::LanChecker { checker, seen };
        }
        let translated = |seen: &IpAddr| !seen.is_loopback() && !host.addresses.contains(seen);
        let Some(seen) = facts.seen().filter(translated) else { return Self::Direct(facts.family) };
        let nat = Self::BehindNat { seen, inside: host.outbound };
        if any_accessible {
            return nat;
        }
        // The provider's own line has such an address too, and is no tunnel of a VPN.
        let is_ppp = |interface: &String| interface.starts_with("ppp");
        let is_provider_line =
            shared_address(host).is_some() && host.tunnel.as_ref().is_some_and(is_ppp);
        if let Some(interface) = host.tunnel.clone().filter(|_| !is_provider_line) {
            return Self::Tunnel { interface, seen };
        }
        let router = facts.router.as_ref();
        match router.and_then(|router| Some((router.gateway, router.wan_address?))) {
            Some((router, wan)) if wan != seen => Self::DoubleNat { router, wan, seen },
            Some(_) => nat,
            None => match shared_address(host) {
                Some(address) => Self::CarrierGradeNat { address },
                None => nat,
            },
        }
    }

    /// The address here of a machine behind NAT.
    pub(super) const fn inside(&self) -> Option<IpAddr> {
        match self {
            Self::BehindNat { inside, .. } => *inside,
            _ => None,
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

/// A checker of the local network and the address it checked, if no connection came from outside that network, and
/// the address is one of the Internet.
fn lan_checker(facts: &FamilyFacts) -> Option<(IpAddr, IpAddr)> {
    let host = facts.host.as_ref()?;
    let seen = facts.seen().filter(|seen| !is_local(*seen))?;
    let mut peers = facts.checkers.iter().filter_map(|checker| checker.peer).peekable();
    let checker = *peers.peek()?;
    let is_outside =
        |from: &IpAddr| !is_local(*from) && *from != seen && !host.addresses.contains(from);
    let from_outside = |port: &PortFacts| {
        let seen_here = port.sights.iter().flat_map(|sights| &sights.from);
        let arrived = port.arrivals.from.iter().chain(&port.arrivals.half_open);
        arrived.chain(seen_here).any(is_outside)
    };
    let all_local = peers.all(is_local) && !facts.ports.iter().any(from_outside);
    all_local.then_some((checker, seen))
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
