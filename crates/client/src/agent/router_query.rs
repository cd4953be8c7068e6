//! The router before this machine, if there is one.

use std::{net::IpAddr, num::NonZeroU16};

use port_checker_api::{Transport, TransportPort};

use crate::{
    facts::FamilyFacts,
    router::{
        KnownRouter, MappingTransport, Network, RouterFacts, RouterPort, Uplink, ask_known_router,
    },
};

/// Asks the router for its address and its mappings of the first ports, unless it was asked before.
pub(super) async fn ask(
    known: Option<&KnownRouter>,
    facts: &FamilyFacts,
    ports: &[TransportPort],
) -> Option<RouterFacts> {
    let known = known?;
    let gateway = gateway(facts).filter(|_| facts.router.is_none())?;
    let ports = ports.iter().copied().filter_map(router_port);
    let ports: Vec<_> = ports.map(|port| (port.number.get(), port.transport)).collect();
    Some(ask_known_router(known, gateway, facts.seen(), &ports).await)
}

/// A port as routers name it; none if they do not know its transport.
pub(super) fn router_port(port: TransportPort) -> Option<RouterPort> {
    let (number, transport) = (port.port.get(), mapping_transport(port.transport)?);
    Some(RouterPort { number: NonZeroU16::new(number)?, transport })
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
