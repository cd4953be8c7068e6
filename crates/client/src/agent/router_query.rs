//! The router before this machine, if there is one.

use std::net::IpAddr;

use port_checker_api::{Transport, TransportPort};

use crate::{
    Plan,
    facts::FamilyFacts,
    router::{MappingTransport, RouterFacts, Uplink, ask_router},
};

/// Asks the router for its address and its mappings of the first ports, unless it was asked before.
pub(super) async fn ask(
    facts: &FamilyFacts,
    plan: &Plan,
    ports: &[TransportPort],
) -> Option<RouterFacts> {
    let wanted = plan.ask_router && facts.router.is_none();
    let gateway = gateway(facts).filter(|_| wanted)?;
    let ports: Vec<_> = ports
        .iter()
        .filter_map(|port| Some((port.port.get(), mapping_transport(port.transport)?)))
        .collect();
    Some(ask_router(gateway, &ports).await)
}

/// The transport as routers know it; none if they do not.
const fn mapping_transport(transport: Transport) -> Option<MappingTransport> {
    match transport {
        Transport::Tcp => Some(MappingTransport::Tcp),
        Transport::Udp => Some(MappingTransport::Udp),
        _ => None,
    }
}

/// The way to the router.
pub(super) fn uplink(facts: &FamilyFacts) -> Option<Uplink> {
    Uplink::of(gateway(facts)?)
}

/// The router that translates addresses before this machine.
fn gateway(facts: &FamilyFacts) -> Option<IpAddr> {
    let host = facts.host.as_ref()?;
    let seen = facts.seen()?;
    host.gateway.filter(|_| !host.addresses.contains(&seen))
}
