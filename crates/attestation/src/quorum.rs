//! The agreement of several issuers.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
};

use port_checker_api::{Port, Transport};

use crate::{
    address::Address, issuer::Issuer, open_ports::OpenPorts, vantage::Rir, verification::Statement,
};

/// As many issuers as this need not stand in different parts of the world (CA/Browser Forum BR 3.2.2.9).
pub(crate) const MAX_OF_ONE_RIR: usize = 2;

/// The ports of one address and transport that several statements prove together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumResult {
    /// The address.
    pub address: Address,
    /// The transport.
    pub transport: Transport,
    /// The issuers whose statements were counted.
    pub issuers: BTreeSet<Issuer>,
    /// The ports that enough issuers saw open; none if there are none.
    pub proven: Option<OpenPorts>,
    /// The ports that some saw open, but too few, or all from one part of the world.
    pub not_proven: Option<OpenPorts>,
}

/// The ports of one issuer, and the registries that its statements name.
#[derive(Default)]
struct Sighting {
    ports: BTreeSet<Port>,
    rirs: BTreeSet<Rir>,
}

/// The statements of each issuer about one address over one transport.
struct Group<'a> {
    address: Address,
    transport: Transport,
    sightings: BTreeMap<&'a Issuer, Sighting>,
}

/// Which ports at least `required` issuers saw open, for each address and transport in the order they come. If more
/// than two are required, and any that saw a port names its vantage, they must name at least two registries.
///
/// Statements of one issuer count once, however many they are. A set of keys that signs in several names counts for
/// nothing, because it could otherwise be a quorum by itself; an issuer whose statements name several registries
/// counts for none of these.
pub fn proven(statements: &[Statement], required: NonZeroUsize) -> Vec<QuorumResult> {
    let mut groups: Vec<Group> = Vec::new();
    let ambiguous = ambiguous(statements);
    for statement in statements.iter().filter(|it| !ambiguous.contains(&it.authority())) {
        let claims = statement.claims();
        let (address, transport) = (claims.address, claims.transport);
        let same = |group: &Group| (group.address, group.transport) == (address, transport);
        let index = groups.iter().position(same).unwrap_or_else(|| {
            groups.push(Group { address, transport, sightings: BTreeMap::new() });
            groups.len() - 1
        });
        let sighting = groups[index].sightings.entry(&claims.issuer).or_default();
        sighting.ports.extend(claims.open.iter());
        sighting.rirs.extend(claims.vantage.as_ref().map(|vantage| vantage.rir));
    }
    groups.into_iter().map(|group| result(group, required.get())).collect()
}

/// The trusted sets of keys that sign in several names.
pub(crate) fn ambiguous(statements: &[Statement]) -> BTreeSet<usize> {
    let mut names = BTreeMap::<usize, BTreeSet<&Issuer>>::new();
    for statement in statements {
        names.entry(statement.authority()).or_default().insert(&statement.claims().issuer);
    }
    names.retain(|_, names| names.len() > 1);
    names.into_keys().collect()
}

fn result(group: Group, required: usize) -> QuorumResult {
    let mut seen: BTreeMap<Port, Vec<&Sighting>> = BTreeMap::new();
    for sighting in group.sightings.values() {
        for &port in &sighting.ports {
            seen.entry(port).or_default().push(sighting);
        }
    }
    let (proven, not_proven): (Vec<_>, Vec<_>) =
        seen.into_iter().partition(|(_, by)| by.len() >= required && are_apart(by, required));
    let ports = |ports: Vec<(Port, _)>| OpenPorts::new(ports.into_iter().map(|(port, _)| port));
    QuorumResult {
        address: group.address,
        transport: group.transport,
        issuers: group.sightings.keys().map(|&issuer| issuer.clone()).collect(),
        proven: ports(proven),
        not_proven: ports(not_proven),
    }
}

/// Whether the issuers that saw a port are of two registries, if that can be known and matters.
fn are_apart(seen_by: &[&Sighting], required: usize) -> bool {
    if required <= MAX_OF_ONE_RIR || seen_by.iter().all(|sighting| sighting.rirs.is_empty()) {
        return true;
    }
    let certain = seen_by.iter().filter(|sighting| sighting.rirs.len() == 1);
    certain.flat_map(|sighting| &sighting.rirs).collect::<BTreeSet<_>>().len() >= 2
}

#[cfg(test)]
mod tests;
