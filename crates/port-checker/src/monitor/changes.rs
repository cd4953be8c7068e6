//! What changed from round to round: a pure function.

use std::{collections::HashMap, fmt, net::IpAddr};

use port_checker_client::{Family, Port, Transport, TransportPort, TransportPortRanges};
use serde::Serialize;

use super::observation::{Observation, PortState};
use crate::exit_status::NO_VERDICT;

/// What earlier rounds found out. What a round has no verdict about is as it was.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) status: u8,
    addresses: HashMap<Family, IpAddr>,
    reachable: HashMap<(Family, TransportPort), bool>,
}

/// What a round found out that was not known, or known otherwise.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Changes {
    pub(super) ports: Vec<PortChange>,
    pub(super) addresses: Vec<AddressChange>,
    pub(super) status: Option<StatusChange>,
}

/// A port has another verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct PortChange {
    family: Family,
    port: Port,
    transport: Transport,
    reachable: bool,
    /// None: this is its first verdict.
    before: Option<bool>,
}

/// Checkers see another address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct AddressChange {
    family: Family,
    /// None: they see none any more.
    address: Option<IpAddr>,
    before: Option<IpAddr>,
}

/// Another exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct StatusChange {
    status: u8,
    before: u8,
}

impl Known {
    /// What is known after a further round, or the first.
    pub(super) fn after(known: Option<Self>, now: &Observation) -> Self {
        let Self { mut addresses, mut reachable, .. } = known.unwrap_or_default();
        if !now.addresses.is_empty() {
            addresses = now.addresses.iter().copied().collect();
        }
        let verdicts = now.ports.iter();
        reachable.extend(verdicts.filter_map(|it| Some(((it.family, it.port), it.reachable?))));
        Self { status: now.status, addresses, reachable }
    }
}

/// What `now` says that is not known yet.
pub(super) fn changes(known: &Known, now: &Observation) -> Changes {
    let port_change = |state: &PortState| {
        let (family, port, reachable) = (state.family, state.port, state.reachable?);
        let before = known.reachable.get(&(family, port)).copied();
        let TransportPort { transport, port } = port;
        let change = PortChange { family, port, transport, reachable, before };
        (before != Some(reachable)).then_some(change)
    };
    let address_change = |family: Family| {
        let address = now.addresses.iter().find(|(of, _)| *of == family).map(|(_, ip)| *ip);
        let before = known.addresses.get(&family).copied();
        (address != before).then_some(AddressChange { family, address, before })
    };
    let status = StatusChange { status: now.status, before: known.status };
    // Where no checker answers, nobody knows the address.
    let families = Family::ALL.into_iter().filter(|_| !now.addresses.is_empty());
    Changes {
        ports: now.ports.iter().filter_map(port_change).collect(),
        addresses: families.filter_map(address_change).collect(),
        status: (status.status != status.before).then_some(status),
    }
}

impl Changes {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether more changed than the address.
    pub(super) fn concern_verdicts(&self) -> bool {
        !self.ports.is_empty() || self.status.is_some()
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.and_then(|it| match (it.before, it.status) {
            (_, NO_VERDICT) => Some("no verdict any more".to_owned()),
            (NO_VERDICT, _) => Some("a verdict again".to_owned()),
            (before, now) if self.ports.is_empty() => {
                Some(format!("exit status {now}, before {before}"))
            }
            _ => None,
        });
        let addresses = self.addresses.iter().map(ToString::to_string);
        let parts: Vec<String> =
            groups(&self.ports).into_iter().chain(status).chain(addresses).collect();
        f.write_str(&parts.join("; "))
    }
}

impl fmt::Display for AddressChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, address, before } = self;
        match (address, before) {
            (Some(address), Some(before)) => {
                write!(f, "{family} address {address}, before {before}")
            }
            (Some(address), None) => write!(f, "{family} address {address}"),
            (None, Some(before)) => write!(f, "no {family} address, before {before}"),
            (None, None) => Ok(()),
        }
    }
}

/// Ports with the same change, in a few words; in the order of their first ones.
fn groups(changes: &[PortChange]) -> Vec<String> {
    let mut groups: Vec<(&PortChange, Vec<TransportPort>)> = Vec::new();
    for change in changes {
        let PortChange { transport, port, .. } = *change;
        let port = TransportPort { transport, port };
        let same = |first: &PortChange| PortChange { port: change.port, ..*first } == *change;
        match groups.iter_mut().find(|(first, _)| same(first)) {
            Some((_, ports)) => ports.push(port),
            None => groups.push((change, vec![port])),
        }
    }
    let words = |(first, mut ports): (&PortChange, Vec<TransportPort>)| {
        ports.sort_unstable();
        let words = match (first.before, first.reachable) {
            (Some(_), true) => "now reachable",
            (Some(_), false) => "no longer reachable",
            (None, true) => "reachable",
            (None, false) => "not reachable",
        };
        let ports: TransportPortRanges = ports.into_iter().collect();
        let ports = ports.to_string().replace(',', ", ");
        format!("{ports} {words} over {}", first.family)
    };
    groups.into_iter().map(words).collect()
}

#[cfg(test)]
mod tests;
