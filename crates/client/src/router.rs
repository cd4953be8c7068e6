//! Asks the router for its address on the Internet's side and for the machines it maps ports to, and maps ports to
//! this machine.
//!
//! Asked over NAT-PMP (RFC 6886) and UPnP IGD; mappings also over PCP (RFC 6887), which cannot ask
//! without mapping. Nothing but the gateway and the multicast group of SSDP is sent anything, whatever an
//! answer says.

mod facts;
mod igd;
mod lease;
mod mapping_client;
mod mapping_table;
mod mapping_words;
mod nat_pmp;
mod pcp;
mod port_mapper;
mod port_mapping;
mod soap;
mod ssdp;
mod uplink;

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use crate::host::source_towards;
pub use facts::{
    MappedPort, MappingEntry, MappingProtocol, MappingTransport, RouterFacts, RouterFailure,
    RouterFailureCause,
};
pub use port_mapper::PortMapper;
pub use port_mapping::{MappingObstacle, MappingState, PortMapping};
pub(crate) use uplink::Uplink;

/// How long the router is asked in all. A router on the same link answers within milliseconds, apart
/// from SSDP, where it may wait for one second (`MX`).
pub const ROUTER_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the default gateway for its address and for the mappings of these ports. Takes
/// [`ROUTER_TIMEOUT`] at most; what was learned by then is kept.
///
/// An IPv6 gateway is asked nothing: there is no translation that these protocols could report.
pub async fn ask_router(gateway: IpAddr, ports: &[(u16, MappingTransport)]) -> RouterFacts {
    let mut facts = RouterFacts::new(gateway, ports);
    let IpAddr::V4(gateway) = gateway else { return facts };
    let until = Instant::now() + ROUTER_TIMEOUT;
    let (wan, upnp) = tokio::join!(
        timeout_at(until, nat_pmp::wan_address(gateway)),
        ask_igd(gateway, until, &mut facts.ports),
    );
    let wan = wan.unwrap_or(Err(RouterFailureCause::NoAnswer)).map(Some);
    facts.note(MappingProtocol::NatPmp, wan);
    facts.note(MappingProtocol::UpnpIgd, upnp);
    facts
}

/// Fills in the mappings; returns the address on the Internet's side, if it is known in time.
async fn ask_igd(
    gateway: Ipv4Addr,
    until: Instant,
    ports: &mut [MappedPort],
) -> Result<Option<IpAddr>, RouterFailureCause> {
    let Some(IpAddr::V4(from)) = source_towards(gateway.into()) else {
        return Err(RouterFailureCause::NoRoute);
    };
    let found = timeout_at(until, igd::Service::find(gateway, from));
    let service = found.await.unwrap_or(Err(RouterFailureCause::NoAnswer))?;
    let wan = timeout_at(until, service.wan_address()).await;
    // Mappings found before the time is up are kept.
    let _ = timeout_at(until, service.look_up(ports)).await;
    wan.unwrap_or(Err(RouterFailureCause::NoAnswer))
}
