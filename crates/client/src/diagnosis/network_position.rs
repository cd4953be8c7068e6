//! The position of this machine in the network.

use std::net::{IpAddr, Ipv4Addr};

use super::path::{Station, last_station};
use crate::{
    facts::{CheckerFacts, FamilyFacts, PortFacts},
    family::Family,
    host::Host,
    local_address::{is_local, is_private},
    router::{RouterFacts, RouterFailureCause},
};

/// The position of the machine whose ports are checked, over one family.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkPosition {
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
        /// Whether a port is accessible nevertheless: forwards work.
        works: bool,
        /// Whether the router was asked, and told its address over no protocol.
        wan_unknown: bool,
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
    /// The router answers that it has no public address: another one beyond it is likely to translate.
    NoPublicAddress {
        /// The router.
        router: IpAddr,
        /// The address seen outside.
        seen: IpAddr,
    },
    /// The address to check was given, and it is not the router's: it may be mistyped.
    NotTheRouters {
        /// The router.
        router: IpAddr,
        /// Its address on the side of the Internet.
        wan: IpAddr,
        /// The address given.
        given: IpAddr,
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
        let came = |port: &PortFacts| {
            [Station::Interface, Station::Listener, Station::AnswerLeft]
                .contains(&last_station(port))
        };
        let is_silent = |router: &RouterFacts| router.wan_address.is_none();
        let wan_unknown =
            facts.router.as_ref().is_some_and(is_silent) && !facts.ports.iter().any(came);
        let inside = host.outbound;
        let nat = Self::BehindNat { seen, inside, works: any_accessible, wan_unknown };
        if any_accessible {
            return nat;
        }
        // The provider's own line has such an address too, and is no tunnel of a VPN.
        let is_ppp =
            |interface: &String| interface.starts_with("ppp") || interface.starts_with("wwan");
        let is_provider_line =
            shared_address(host).is_some() && host.tunnel.as_ref().is_some_and(is_ppp);
        if let Some(interface) = host.tunnel.clone().filter(|_| !is_provider_line) {
            return Self::Tunnel { interface, seen };
        }
        let router = facts.router.as_ref();
        match router.and_then(|router| Some((router.gateway, router.wan_address?))) {
            Some((router, wan)) if wan != seen && facts.address_given => {
                Self::NotTheRouters { router, wan, given: seen }
            }
            Some((router, wan)) if wan != seen => Self::DoubleNat { router, wan, seen },
            Some(_) => nat,
            None => {
                match (shared_address(host), router.filter(|router| has_no_public_address(router)))
                {
                    (Some(address), _) => Self::CarrierGradeNat { address },
                    (None, Some(router)) => Self::NoPublicAddress { router: router.gateway, seen },
                    (None, None) => nat,
                }
            }
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
    let seen = facts.seen()?;
    let mut peers = facts.checkers.iter().filter_map(judging_peer).peekable();
    let checker = *peers.peek()?;
    let all_local = peers.all(is_local) && !is_visited_from_outside(facts, seen)?;
    all_local.then_some((checker, seen))
}

/// The checkers of the local network that stand beside others outside it, about an address of the Internet: how
/// connections from inside fare says nothing about those from outside.
pub(super) fn local_checkers(facts: &FamilyFacts) -> Vec<usize> {
    let seen = facts.seen().filter(|seen| facts.host.is_some() && !is_local(*seen));
    let outside = facts.checkers.iter().filter_map(judging_peer).any(|peer| !is_local(peer));
    if seen.is_none() || !outside {
        return Vec::new();
    }
    let checkers = facts.checkers.iter().enumerate();
    // One on this machine may be the near end of a tunnel to one outside, but not if it sees a local address.
    let sees_local = |checker: &CheckerFacts| checker.address.is_some_and(is_local);
    let is_here = |checker: &CheckerFacts| {
        judging_peer(checker).is_some_and(is_private) || sees_local(checker)
    };
    let local = checkers.filter(|(_, checker)| is_here(checker));
    local.map(|(index, _)| index).collect()
}

/// Whether the router says over a protocol that it has no public address.
fn has_no_public_address(router: &RouterFacts) -> bool {
    router.failures.iter().any(|failure| failure.cause == RouterFailureCause::NoPublicAddress)
}

/// The address of a checker that gave a verdict.
fn judging_peer(checker: &CheckerFacts) -> Option<IpAddr> {
    checker.peer.filter(|_| checker.failure.is_none())
}

/// Whether a connection came from outside the local network; none if the address is not one of the Internet.
fn is_visited_from_outside(facts: &FamilyFacts, seen: IpAddr) -> Option<bool> {
    let host = facts.host.as_ref().filter(|_| !is_local(seen))?;
    let is_outside =
        |from: &IpAddr| !is_local(*from) && *from != seen && !host.addresses.contains(from);
    let from_outside = |port: &PortFacts| {
        let seen_here = port.sights.iter().flat_map(|sights| &sights.peers);
        let seen_here = seen_here.map(|sights| &sights.peer);
        let arrived = port.arrivals.from.iter().chain(&port.arrivals.half_open);
        arrived.chain(seen_here).any(is_outside)
    };
    Some(facts.ports.iter().any(from_outside))
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
