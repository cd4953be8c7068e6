//! The events of the queries to one checker.

use std::{net::IpAddr, time::Duration};

use port_checker_api::{Port, Progress, Transport, TransportPort};
use tokio::sync::mpsc::UnboundedSender;

use crate::{Checker, Event};

/// Sends the events of the queries to one checker about one address.
#[derive(Clone, Copy)]
pub(super) struct QueryEvents<'a> {
    pub(super) events: &'a UnboundedSender<Event>,
    pub(super) checker: usize,
    pub(super) address: IpAddr,
    pub(super) transport: Transport,
}

impl QueryEvents<'_> {
    /// The same about ports of this transport.
    pub(super) const fn over(self, transport: Transport) -> Self {
        Self { transport, ..self }
    }

    /// A request about these ports is sent to the checker.
    pub(super) fn requested(&self, ports: &[Port], asked: &Checker) {
        let Self { checker, address, .. } = *self;
        let (within, silent_port) = (asked.timeout(), asked.silent_port());
        self.send(Event::Requested {
            checker,
            address,
            ports: self.with_transport(ports),
            within,
            silent_port,
        });
    }

    /// The request about these ports has ended.
    pub(super) fn ended(&self, ports: &[Port]) {
        let Self { checker, address, .. } = *self;
        let ports = self.with_transport(ports);
        self.send(Event::RequestEnded { checker, address, ports });
    }

    /// A port was judged.
    pub(super) fn judged(&self, progress: &Progress) {
        let Self { checker, address, .. } = *self;
        let port = TransportPort { transport: self.transport, port: progress.port };
        let accessible = progress.result.accessible;
        self.send(Event::Judged { checker, address, port, accessible });
    }

    /// The checker is busy and will be asked again after this time.
    pub(super) fn waiting(&self, wait: Duration) {
        self.send(Event::Waiting { checker: self.checker, wait });
    }

    fn with_transport(&self, ports: &[Port]) -> Vec<TransportPort> {
        let transport = self.transport;
        ports.iter().map(|&port| TransportPort { transport, port }).collect()
    }

    fn send(&self, event: Event) {
        // Who does not listen any more will drop the verification too.
        let _ = self.events.send(event);
    }
}
