//! Ports that were not reached are mapped at the router and checked again.

use std::net::SocketAddr;

use port_checker_api::TransportPort;

use super::{common::OwnListeners, family_run::FamilyRun, router_query, stop::StopSignal};
use crate::{
    Diagnosis, Family, NetworkPosition, Notice, PortFacts, PortVerdict,
    router::{KnownRouter, PortMapper},
};

/// The ports that a mapping may open: those over IPv4 of which nothing came as far as this machine.
pub(super) fn closed_ports(diagnosis: &Diagnosis) -> Vec<TransportPort> {
    use PortVerdict::{
        AnotherHost, Contradicted, NotReachable, NothingArrived, Refused, Rejected, Reset, TimedOut,
    };
    const CLOSED: [PortVerdict; 8] = [
        AnotherHost,
        Contradicted,
        NotReachable,
        NothingArrived,
        Refused,
        Rejected,
        Reset,
        TimedOut,
    ];
    let v4 = diagnosis.families.iter().filter(|family| family.family == Family::Ipv4);
    // The other end of a line is no router of ours.
    let through_line = |notice: &Notice| {
        use NetworkPosition::{PointToPoint, Tunnel};
        matches!(notice, Notice::Position(Tunnel { .. } | PointToPoint { .. }))
    };
    let v4 = v4.filter(|family| !family.notices.iter().any(through_line));
    let ports = v4.flat_map(|family| &family.ports);
    let closed = ports.filter(|port| CLOSED.contains(&port.verdict));
    closed.map(|port| port.facts.transport_port()).collect()
}

/// Maps ports and verifies those again that are mapped then, in batches.
pub(super) async fn verify_mapped(
    runs: &mut [FamilyRun<'_>],
    (mapper, known): (&PortMapper, &KnownRouter),
    closed: &[TransportPort],
    own: &OwnListeners,
    batch: usize,
    stop: &StopSignal,
) {
    let v4 = runs.iter_mut().find(|run| run.facts().family == Family::Ipv4);
    let run = v4.expect("the ports are those of a run over IPv4");
    let network = router_query::network(run.facts());
    let ports: Vec<_> = closed.iter().copied().filter_map(router_query::router_port).collect();
    let opened = stop.or_stop(mapper.open(known, network, &ports)).await;
    let Some(opened) = opened else { return };
    if let (Some(network), Some(protocol)) = (network, opened.protocol) {
        for port in &opened.ports {
            let to = SocketAddr::from((network.uplink.client, port.number.get()));
            run.note_mapping((to, port.transport), protocol, opened.address);
        }
    }
    let is_mapped = |port: &TransportPort| {
        router_query::router_port(*port).is_some_and(|port| opened.ports.contains(&port))
    };
    let mapped: Vec<_> = closed.iter().copied().filter(is_mapped).collect();
    for ports in mapped.chunks(batch) {
        run.verify(ports, own).await;
    }
}

/// The diagnosis with what was done at the router.
pub(super) fn with_mappings(diagnosis: Diagnosis, mapper: &PortMapper) -> Diagnosis {
    mapper.judged(|mapping| {
        let v4 = diagnosis.families.iter().find(|family| family.family == Family::Ipv4)?;
        let is_it = |facts: &PortFacts| {
            router_query::router_port(facts.transport_port())
                .is_some_and(|port| mapping.is_of(port))
        };
        let port = v4.ports.iter().find(|port| is_it(&port.facts))?;
        (port.verdict != PortVerdict::NoVerdict).then_some(port.accessible)
    });
    Diagnosis { mappings: mapper.mappings(), ..diagnosis }
}
