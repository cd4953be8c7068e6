//! What one round found out, without the reasons.

use std::{collections::BTreeMap, net::IpAddr};

use port_checker_client::{
    Diagnosis, Family, FamilyDiagnosis, PortVerdict, TransportPort, TransportPortRanges,
};

use crate::exit_status::of_outcome;

/// The result of a round.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Observation {
    /// The exit status of a verification with this result: 0, 1 or 3.
    pub(super) status: u8,
    /// The address of each family that was checked.
    pub(super) addresses: Vec<(Family, IpAddr)>,
    /// Every port of every family that was checked.
    pub(super) ports: Vec<PortState>,
}

/// A port over one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PortState {
    pub(super) family: Family,
    pub(super) port: TransportPort,
    /// Whether it is reachable; none: no verdict.
    pub(super) reachable: Option<bool>,
}

/// Ports over all families together, by their states.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PortsByState {
    /// Reachable over every family.
    pub(super) reachable: TransportPortRanges,
    /// Not reachable over one at least.
    pub(super) unreachable: TransportPortRanges,
    /// The others: without a verdict over one at least.
    pub(super) no_verdict: TransportPortRanges,
}

impl Observation {
    /// What a diagnosis says. That a port can be reached from the local network is a verdict only where that
    /// suffices.
    pub(super) fn of(diagnosis: &Diagnosis, local_suffices: bool) -> Self {
        let success = local_suffices || !diagnosis.is_local_only();
        let address = |family: &FamilyDiagnosis| Some((family.family, family.address?));
        let checked = diagnosis.families.iter().filter(|family| family.outcome.is_some());
        let ports = checked.flat_map(|family| {
            family.ports.iter().map(|port| PortState {
                family: family.family,
                port: port.facts.transport_port(),
                reachable: match port.verdict {
                    verdict if verdict.is_accessible() => success.then_some(true),
                    PortVerdict::NoVerdict => None,
                    _ => Some(false),
                },
            })
        });
        Self {
            status: of_outcome(diagnosis.outcome, local_suffices),
            addresses: diagnosis.families.iter().filter_map(address).collect(),
            ports: ports.collect(),
        }
    }

    /// Whether there was a verdict about even one port.
    pub(super) fn has_verdict(&self) -> bool {
        self.ports.iter().any(|state| state.reachable.is_some())
    }

    /// Sorts these ports, of which nothing is known where no checker answered.
    pub(super) fn sort(&self, asked: &[TransportPort]) -> PortsByState {
        let mut ports: BTreeMap<TransportPort, Option<bool>> = BTreeMap::new();
        for state in &self.ports {
            let reachable = ports.entry(state.port).or_insert(state.reachable);
            *reachable = worse(*reachable, state.reachable);
        }
        for port in asked {
            ports.entry(*port).or_insert(None);
        }
        let of = |wanted: Option<bool>| {
            let of_state = ports.iter().filter(|(_, reachable)| **reachable == wanted);
            of_state.map(|(port, _)| *port).collect()
        };
        PortsByState {
            reachable: of(Some(true)),
            unreachable: of(Some(false)),
            no_verdict: of(None),
        }
    }
}

fn worse(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, _) | (_, None) => None,
        _ => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use port_checker_client::Port;

    use super::*;

    #[test]
    fn a_port_is_as_good_as_over_its_worst_family() {
        let (open, closed, unknown) = (Some(true), Some(false), None);
        let rows = [
            (vec![open, open], ["7466", "", ""], "reachable over both"),
            (vec![open, closed], ["", "7466", ""], "over one only"),
            (vec![open, unknown], ["", "", "7466"], "over one, and the other is not known"),
            (vec![unknown, closed], ["", "7466", ""], "one is known to be closed"),
            (vec![unknown, unknown], ["", "", "7466"], "nothing is known"),
            (vec![open], ["7466", "", ""], "one family"),
            (vec![], ["", "", "7466"], "no checker answered"),
        ];
        let port = TransportPort::from(Port::new(7466).unwrap());
        for (states, expected, why) in rows {
            let states = Family::ALL.into_iter().zip(states);
            let ports = states.map(|(family, reachable)| PortState { family, port, reachable });
            let now = Observation { status: 3, addresses: vec![], ports: ports.collect() };
            let PortsByState { reachable, unreachable, no_verdict } = now.sort(&[port]);
            let sorted = [reachable, unreachable, no_verdict].map(|ports| ports.to_string());
            assert_eq!(sorted, expected, "{why}");
        }
    }
}
