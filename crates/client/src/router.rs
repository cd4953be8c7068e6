//! Asks the router for its address on the Internet's side and for the machines it maps ports to, and maps ports to
//! this machine.
//!
//! Asked over NAT-PMP (RFC 6886) and UPnP IGD; mappings also over PCP (RFC 6887), which cannot ask
//! without mapping. Nothing but the gateway and the multicast group of SSDP is sent anything, whatever an
//! answer says.

mod facts;
mod igd;
mod known_router;
mod lease;
mod mapping_client;
mod mapping_table;
mod mapping_words;
mod nat_pmp;
mod pcp;
mod pcp_packet;
mod port_mapper;
mod port_mapping;
mod router_port;
mod soap;
mod ssdp;
mod uplink;

use std::{net::IpAddr, time::Duration};

use tokio::time::{Instant, timeout_at};

pub use facts::{
    MappedPort, MappingEntry, MappingProtocol, MappingTransport, RouterFacts, RouterFailure,
    RouterFailureCause,
};
pub(crate) use known_router::{KnownRouter, Network};
pub use port_mapper::PortMapper;
pub use port_mapping::{MappingObstacle, MappingState, PortMapping};
pub(crate) use router_port::RouterPort;
pub(crate) use uplink::Uplink;

/// How long the router is asked in all. A router on the same link answers within milliseconds, apart
/// from SSDP, where it may wait for one second (`MX`).
pub const ROUTER_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the default gateway for its address and for the mappings of these ports. Takes
/// [`ROUTER_TIMEOUT`] at most; what was learned by then is kept.
///
/// An IPv6 gateway is asked nothing: there is no translation that these protocols could report.
pub async fn ask_router(gateway: IpAddr, ports: &[(u16, MappingTransport)]) -> RouterFacts {
    ask_known_router(&KnownRouter::default(), gateway, None, ports).await
}

/// The same without the waits for protocols that the router is known not to speak; `seen` is the address from which
/// checkers see this machine.
pub(crate) async fn ask_known_router(
    known: &KnownRouter,
    gateway: IpAddr,
    seen: Option<IpAddr>,
    ports: &[(u16, MappingTransport)],
) -> RouterFacts {
    let mut facts = RouterFacts::new(gateway, ports);
    if gateway.is_ipv6() {
        return facts;
    }
    let Some(uplink) = Uplink::of(gateway) else {
        facts.note(MappingProtocol::NatPmp, Err(RouterFailureCause::NoRoute));
        facts.note(MappingProtocol::UpnpIgd, Err(RouterFailureCause::NoRoute));
        return facts;
    };
    let network = Network { uplink, seen };
    let until = Instant::now() + ROUTER_TIMEOUT;
    let (wan, upnp) = tokio::join!(
        ask_over_nat_pmp(known, network, until),
        ask_over_upnp(known, network, until, &mut facts.ports),
    );
    facts.note(MappingProtocol::NatPmp, wan.map(Some));
    facts.note(MappingProtocol::UpnpIgd, upnp);
    facts
}

async fn ask_over_nat_pmp(
    known: &KnownRouter,
    network: Network,
    until: Instant,
) -> Result<IpAddr, RouterFailureCause> {
    known.spoken(network, MappingProtocol::NatPmp)?;
    let wan = timeout_at(until, nat_pmp::wan_address(network.uplink.gateway)).await;
    let wan = wan.unwrap_or(Err(RouterFailureCause::NoAnswer));
    match &wan {
        Err(cause @ RouterFailureCause::NoAnswer) => {
            known.not_spoken(network, MappingProtocol::NatPmp, cause);
        }
        Err(RouterFailureCause::NoRoute) => {}
        _ => known.heard(network, MappingProtocol::NatPmp),
    }
    wan
}

/// Fills in the mappings; returns the address on the Internet's side, if it is known in time.
async fn ask_over_upnp(
    known: &KnownRouter,
    network: Network,
    until: Instant,
    ports: &mut [MappedPort],
) -> Result<Option<IpAddr>, RouterFailureCause> {
    let service = known.service(network, until).await?;
    let wan = timeout_at(until, service.wan_address()).await;
    // Mappings found before the time is up are kept.
    let _ = timeout_at(until, service.look_up(ports)).await;
    let wan = wan.unwrap_or(Err(RouterFailureCause::NoAnswer));
    if wan == Err(RouterFailureCause::NoAnswer) {
        known.forget_service(network);
    }
    wan
}
