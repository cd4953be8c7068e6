//! The router before this machine, if there is one.

use std::net::IpAddr;

use port_checker_api::{Transport, TransportPort};

use crate::{
    facts::FamilyFacts,
    router::{KnownRouter, MappingTransport, Network, RouterFacts, Uplink, ask_known_router},
};

/// Asks the router for its address and its mappings of the first ports, unless it was asked before.
pub(super) async fn ask(
    known: Option<&KnownRouter>,
    facts: &FamilyFacts,
    ports: &[TransportPort],
) -> Option<RouterFacts> {
    let known = known?;
    let gateway = gateway(facts).filter(|_| facts.router.is_none())?;
    let ports: Vec<_> = ports
        .iter()
        .filter_map(|port| Some((port.port.get(), mapping_transport(port.transport)?)))
        .collect();
    Some(ask_known_router(known, gateway, facts.seen(), &ports).await)
}

/// The transport as routers know it; none if they do not.
const fn mapping_transport(transport: Transport) -> Option<MappingTransport> {
    match transport {
        Transport::Tcp => Some(MappingTransport::Tcp),
        Transport::Udp => Some(MappingTransport::Udp),
        _ => None,
    }
}

/// The network whose router is to map ports.
pub(super) fn network(facts: &FamilyFacts) -> Option<Network> {
    Some(Network { uplink: Uplink::of(gateway(facts)?)?, seen: facts.seen() })
}

/// The router that translates addresses before this machine.
fn gateway(facts: &FamilyFacts) -> Option<IpAddr> {
    let host = facts.host.as_ref()?;
    let seen = facts.seen()?;
    host.gateway.filter(|_| !host.addresses.contains(&seen))
}
