//! The position of this machine in the network.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    near_checkers::{NearChecker, near_checker},
    path::{Station, last_station},
};
use crate::{
    facts::{FamilyFacts, PortFacts},
    family::Family,
    host::{Host, PointToPointKind},
    local_address::is_shared,
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
    /// This machine is likely to be a container, whose host translates its address and publishes its ports.
    Container {
        /// The address seen outside.
        seen: IpAddr,
        /// The address here.
        inside: Option<IpAddr>,
    },
    /// Packets leave through a line that is the Internet provider's or a tunnel; its other end, or a router beyond
    /// it, translates addresses.
    PointToPoint {
        /// The interface.
        interface: String,
        /// Whether it is that of a mobile modem, instead of PPP.
        is_modem: bool,
        /// The address seen outside.
        seen: IpAddr,
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
    /// Every checker that was asked is this machine, or in a network of it: they prove no more than that network,
    /// though the address checked is one of the Internet and this machine's own.
    SameNetwork {
        /// One of them.
        checker: IpAddr,
        /// The network; none if the checker is on this machine.
        network: Option<IpNet>,
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
        match near_checker(facts) {
            Some(NearChecker::InTheNetwork { checker, network }) => {
                return Self::SameNetwork { checker, network };
            }
            Some(NearChecker::BehindTheRouter { checker, seen }) => {
                return Self::LanChecker { checker, seen };
            }
            None => {}
        }
        let translated = |seen: &IpAddr| !seen.is_loopback() && !host.addresses.contains(seen);
        let Some(seen) = facts.seen().filter(translated) else { return Self::Direct(facts.family) };
        let came = |port: &PortFacts| {
            [Station::Interface, Station::Listener, Station::AnswerLeft]
                .contains(&last_station(port))
        };
        let is_silent = |router: &RouterFacts| router.wan_address.is_none();
        // Where nobody was asked about a port, there is nothing that the router could explain.
        let asked = facts.ports.iter().any(|port| port.answers.iter().any(Option::is_some));
        let wan_unknown =
            asked && facts.router.as_ref().is_some_and(is_silent) && !facts.ports.iter().any(came);
        let inside = host.outbound;
        let nat = Self::BehindNat { seen, inside, works: any_accessible, wan_unknown };
        if any_accessible {
            return nat;
        }
        if let Some(line) = line(host, seen) {
            return line;
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
                    (None, None) if host.bridged_container => Self::Container { seen, inside },
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

    /// The family by whose habits connections to this machine's own address are stopped; none if its address is
    /// translated. Within one network there is no router, which over IPv6 would stop them at home.
    pub(super) const fn direct(&self) -> Option<Family> {
        match self {
            Self::Direct(family) => Some(*family),
            Self::SameNetwork { .. } => Some(Family::Ipv4),
            _ => None,
        }
    }

    /// Where a router must forward to.
    pub(super) fn here(&self) -> String {
        match self {
            Self::BehindNat { inside: Some(inside), .. } => format!("{inside} (this machine)"),
            Self::Container { .. } => "the host of this container".to_owned(),
            _ => "this machine".to_owned(),
        }
    }
}

/// The position of a machine whose packets leave through a line to one other machine, and whose address is translated.
/// A line of a provider that has an address for carrier-grade NAT is told by that.
fn line(host: &Host, seen: IpAddr) -> Option<NetworkPosition> {
    let line = host.point_to_point.as_ref()?;
    let interface = line.interface.clone();
    let is_modem = match line.kind {
        PointToPointKind::Tunnel => return Some(NetworkPosition::Tunnel { interface, seen }),
        PointToPointKind::Ppp => false,
        PointToPointKind::Modem => true,
    };
    let is_carriers = shared_address(host).is_some();
    (!is_carriers).then_some(NetworkPosition::PointToPoint { interface, is_modem, seen })
}

/// Whether the router says over a protocol that it has no public address.
fn has_no_public_address(router: &RouterFacts) -> bool {
    router.failures.iter().any(|failure| failure.cause == RouterFailureCause::NoPublicAddress)
}

/// An address for carrier-grade NAT on the way out, if there is one.
fn shared_address(host: &Host) -> Option<IpAddr> {
    [host.outbound, host.gateway].into_iter().flatten().find(|&ip| is_shared(ip))
}
