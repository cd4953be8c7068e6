//! The router before this machine, if there is one.

use std::net::IpAddr;

use port_checker_api::Port;

use crate::{
    Plan,
    facts::FamilyFacts,
    router::{MappingTransport, RouterFacts, Uplink, ask_router},
};

/// Asks the router for its address and its mappings of the first ports, unless it was asked before.
pub(super) async fn ask(facts: &FamilyFacts, plan: &Plan, ports: &[Port]) -> Option<RouterFacts> {
    let wanted = plan.ask_router && facts.router.is_none();
    let gateway = gateway(facts).filter(|_| wanted)?;
    let ports: Vec<_> = ports.iter().map(|port| (port.get(), MappingTransport::Tcp)).collect();
    Some(ask_router(gateway, &ports).await)
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
