//! The listeners of a batch of ports over both transports.

use std::{collections::HashMap, convert::Infallible, net::IpAddr};

use port_checker_api::{Challenge, Port, Transport, TransportPort};
use tokio::{select, sync::Semaphore};

use super::port_query::PortQuery;
use crate::{
    Family,
    facts::{Arrivals, Local},
    listeners::Listeners,
    peer_filter::PeerFilter,
    udp_listeners::UdpListeners,
};

/// Listeners over one address family; they are closed when dropped.
pub(super) struct OpenPorts {
    challenge: Challenge,
    tcp: Listeners,
    udp: UdpListeners,
}

impl OpenPorts {
    /// Binds `ports`, as many as can be.
    pub(super) async fn open(
        family: Family,
        ports: &[TransportPort],
        challenge: &Challenge,
        peers: PeerFilter,
    ) -> Self {
        let tcp =
            Listeners::open(family, &over(ports, Transport::Tcp), challenge, peers.clone()).await;
        let udp = UdpListeners::open(family, &over(ports, Transport::Udp), challenge, peers);
        Self { challenge: challenge.clone(), tcp, udp }
    }

    /// The local half of a port.
    ///
    /// # Panics
    /// When the port was not among those to bind.
    pub(super) fn local(&self, port: TransportPort) -> &Local {
        match port.transport {
            Transport::Udp => self.udp.local(port.port),
            _ => self.tcp.local(port.port),
        }
    }

    /// The queries about these ports at an address. Where a listener of ours answers, its challenge must come back.
    /// What else answers over TCP is asked about without; over UDP nothing else can answer.
    pub(super) fn queries(&self, address: IpAddr, ports: &[TransportPort]) -> Vec<PortQuery> {
        let those = |transport: Transport, is_wanted: fn(&Local) -> bool| -> Vec<Port> {
            let ports = over(ports, transport).into_iter();
            ports.filter(|&port| is_wanted(self.local(TransportPort { transport, port }))).collect()
        };
        let is_others = |local: &Local| !local.is_ours() && *local != Local::FamilyMissing;
        let challenge = Some(&self.challenge);
        let parts = [
            (Transport::Tcp, those(Transport::Tcp, Local::is_ours), challenge),
            (Transport::Tcp, those(Transport::Tcp, is_others), None),
            (Transport::Udp, those(Transport::Udp, Local::is_ours), challenge),
        ];
        let query = |(transport, ports, challenge): (_, _, Option<&Challenge>)| PortQuery {
            address,
            transport,
            ports,
            challenge: challenge.cloned(),
        };
        parts.into_iter().map(query).collect()
    }

    /// The arrivals so far at each port that is listened on.
    pub(super) fn arrivals(&self) -> HashMap<TransportPort, Arrivals> {
        let tcp = self.tcp.arrivals().into_iter();
        let tcp = tcp.map(|(port, arrivals)| (TransportPort::from(port), arrivals));
        let udp = self.udp.arrivals().into_iter();
        tcp.chain(udp.map(|(port, arrivals)| (TransportPort::over(Transport::Udp, port), arrivals)))
            .collect()
    }

    /// Proves to every peer that it reached this verification, and reports the peers.
    pub(super) async fn serve(
        &self,
        permits: &Semaphore,
        on_arrival: impl Fn(TransportPort, IpAddr),
    ) -> Infallible {
        select! {
            never = self.tcp.serve(permits, |port, from| on_arrival(TransportPort::from(port), from)) => never,
            never = self.udp.serve(|port, from| on_arrival(TransportPort::over(Transport::Udp, port), from)) => never,
        }
    }

    /// Notes the connections that the kernel could not complete.
    pub(super) async fn note_half_open(&self) {
        self.tcp.note_half_open().await;
    }

    /// The connections that wait for the programs which hold some of the TCP ports, by port.
    pub(super) async fn waiting(&self) -> HashMap<u16, u32> {
        self.tcp.waiting().await
    }
}

/// Those of one transport.
pub(super) fn over(ports: &[TransportPort], transport: Transport) -> Vec<Port> {
    let ports = ports.iter().filter(|port| port.transport == transport);
    ports.map(|port| port.port).collect()
}
