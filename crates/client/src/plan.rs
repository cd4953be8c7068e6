//! The plan of a verification.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use port_checker_api::{Transport, TransportPort};

use crate::{Family, router::PortMapper};

/// Descriptors left to the program around a verification.
const RESERVED: u64 = 64;

/// The fewest descriptors a verification works with.
const FEWEST: u64 = 8;

/// The most ports of one request: the default limit of a checker.
pub(crate) const MAX_PORTS: usize = 1024;

/// The ports to verify, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The ports with their transports, each once.
    pub ports: Vec<TransportPort>,
    /// Over which address families.
    pub families: Families,
    /// Addresses to have checked instead of those from which the checkers see this machine; at most
    /// one of each family.
    pub addresses: Vec<IpAddr>,
    /// How many checkers must have reached a port for it to be accessible; at least 1.
    pub quorum: usize,
    /// Whether to ask the router of this machine for its address on the Internet's side and for its mappings;
    /// by default not. Only the gateway and the multicast group of its link are asked.
    pub ask_router: bool,
    /// Maps TCP ports at the router that checkers do not reach over IPv4, and has them checked again; by default
    /// none does. It can serve several verifications, one after the other.
    pub mapper: Option<Arc<PortMapper>>,
    /// How many descriptors may be open at once, at least 8. Half of them listen; more ports than
    /// that are verified in batches. By default all that the soft limit allows except 64.
    pub descriptors: u64,
}

/// Over which address families to verify.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Families {
    /// Those over which a checker sees this machine, or those of the addresses given.
    #[default]
    Available,
    /// This one; that there is none counts as a failure.
    Only(Family),
    /// Both; that there is none counts as a failure.
    Both,
}

/// A plan that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlan {
    /// There is nobody to ask.
    #[error("no checker to ask")]
    NoChecker,
    /// There is nothing to ask.
    #[error("no port to check")]
    NoPort,
    /// No number of answers could be enough.
    #[error(
        "a quorum of {quorum} cannot be reached with {checkers} checkers; expected 1 to {checkers}"
    )]
    Quorum {
        /// The quorum asked for.
        quorum: usize,
        /// How many checkers there are.
        checkers: usize,
    },
    /// One address of each family can be checked.
    #[error("{0} and another address are of the same family; expected one of each at most")]
    TwoAddresses(
        /// The second one.
        IpAddr,
    ),
    /// The address is of a family that shall not be checked.
    #[error("{0} is not of the address family asked for")]
    OtherFamily(
        /// The address.
        IpAddr,
    ),
}

impl Plan {
    /// Verifies these ports over the families there are, those without a transport over TCP; one checker that
    /// reaches a port is enough.
    pub fn of_ports(ports: impl IntoIterator<Item: Into<TransportPort>>) -> Self {
        let mut seen = HashSet::new();
        let ports = ports.into_iter().map(Into::into);
        Self {
            ports: ports.filter(|port| seen.insert(*port)).collect(),
            families: Families::default(),
            addresses: Vec::new(),
            quorum: 1,
            ask_router: false,
            mapper: None,
            descriptors: usual_descriptors(),
        }
    }

    pub(crate) fn validate(&self, checkers: usize) -> Result<(), InvalidPlan> {
        if checkers == 0 {
            return Err(InvalidPlan::NoChecker);
        }
        if self.ports.is_empty() {
            return Err(InvalidPlan::NoPort);
        }
        if !(1..=checkers).contains(&self.quorum) {
            return Err(InvalidPlan::Quorum { quorum: self.quorum, checkers });
        }
        let mut seen = Vec::new();
        for &ip in &self.addresses {
            let family = Family::of(ip);
            if seen.contains(&family) {
                return Err(InvalidPlan::TwoAddresses(ip));
            }
            if !self.families_to_try().contains(&family) {
                return Err(InvalidPlan::OtherFamily(ip));
            }
            seen.push(family);
        }
        Ok(())
    }

    /// The families to try.
    pub fn families_to_try(&self) -> Vec<Family> {
        match self.families {
            Families::Only(family) => vec![family],
            Families::Available if !self.addresses.is_empty() => {
                self.addresses.iter().copied().map(Family::of).collect()
            }
            Families::Both | Families::Available => Family::ALL.to_vec(),
        }
    }

    /// Whether there is a port over UDP.
    pub fn has_udp(&self) -> bool {
        self.ports.iter().any(|port| port.transport == Transport::Udp)
    }

    /// Whether it is a failure if there is no `family`.
    pub(crate) fn insists(&self) -> bool {
        self.families != Families::Available || !self.addresses.is_empty()
    }

    /// The address of `family` to have checked, if one was given.
    pub(crate) fn address(&self, family: Family) -> Option<IpAddr> {
        let addresses = self.addresses.iter().map(IpAddr::to_canonical);
        addresses.into_iter().find(|&ip| Family::of(ip) == family)
    }

    /// How many ports to verify at once.
    pub(crate) fn batch(&self) -> usize {
        let listeners = as_count(self.descriptors.max(FEWEST) / 2);
        (listeners / self.families_to_try().len()).clamp(1, MAX_PORTS)
    }

    /// How many connections to our listeners may be open at once.
    pub(crate) fn connections(&self) -> usize {
        as_count(self.descriptors.max(FEWEST) / 4)
    }
}

fn usual_descriptors() -> u64 {
    let soft = rlimit::Resource::NOFILE.get_soft().unwrap_or(RESERVED);
    soft.saturating_sub(RESERVED).max(FEWEST)
}

/// More than that never listen at once.
fn as_count(descriptors: u64) -> usize {
    usize::try_from(descriptors).unwrap_or(usize::MAX).min(2 * MAX_PORTS)
}

#[cfg(test)]
mod tests {
    use port_checker_api::Port;

    use super::*;

    fn plan() -> Plan {
        Plan { descriptors: 960, ..Plan::of_ports([Port::MIN]) }
    }

    #[test]
    fn plans_that_can_and_cannot_be_carried_out() {
        let v4: IpAddr = "192.0.2.1".parse().unwrap();
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        let only = Families::Only(Family::Ipv4);
        let cases = [
            (plan(), 1, Ok(()), "the usual one"),
            (plan(), 0, Err(InvalidPlan::NoChecker), "nobody to ask"),
            (Plan::of_ports([] as [Port; 0]), 1, Err(InvalidPlan::NoPort), "nothing to ask"),
            (
                Plan { quorum: 2, ..plan() },
                1,
                Err(InvalidPlan::Quorum { quorum: 2, checkers: 1 }),
                "too few checkers",
            ),
            (
                Plan { quorum: 0, ..plan() },
                1,
                Err(InvalidPlan::Quorum { quorum: 0, checkers: 1 }),
                "nobody need agree",
            ),
            (Plan { addresses: vec![v4, v6], ..plan() }, 1, Ok(()), "one of each family"),
            (
                Plan { addresses: vec![v4, v4], ..plan() },
                1,
                Err(InvalidPlan::TwoAddresses(v4)),
                "two of one family",
            ),
            (
                Plan { addresses: vec![v6], families: only, ..plan() },
                1,
                Err(InvalidPlan::OtherFamily(v6)),
                "of the family not asked for",
            ),
        ];
        for (plan, checkers, expected, why) in cases {
            assert_eq!(plan.validate(checkers), expected, "{why}");
        }
    }

    #[test]
    fn a_number_over_both_transports_is_two_ports() {
        let (tcp, udp) =
            (TransportPort::from(Port::MIN), TransportPort::over(Transport::Udp, Port::MIN));
        assert_eq!(Plan::of_ports([tcp, udp, tcp, udp]).ports, [tcp, udp]);
        assert!(Plan::of_ports([udp]).has_udp() && !Plan::of_ports([tcp]).has_udp());
    }

    #[test]
    fn a_thousand_ports_of_two_families_fit_into_a_thousand_descriptors_in_batches() {
        assert_eq!((plan().batch(), plan().connections()), (240, 240));
        let one_family = Plan { families: Families::Only(Family::Ipv4), ..plan() };
        assert_eq!(one_family.batch(), 480);
        assert_eq!(Plan { descriptors: 0, ..plan() }.batch(), 2, "as many as the fewest allow");
        assert_eq!(Plan { descriptors: u64::MAX, ..plan() }.batch(), 1024, "as many as one asks");
    }
}
