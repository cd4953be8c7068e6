//! The facts around a port that decide about its advice.

use std::net::{IpAddr, SocketAddr};

use port_checker_api::{Transport, TransportPort};

use super::{
    network_position::NetworkPosition, notice::Notice, senders::Senders, way_to_tell::way_to_tell,
};
use crate::{
    facts::Watch,
    host::Host,
    local_address::is_local,
    router::{MappingEntry, MappingTransport, RouterFacts},
};

const OTHERS_ANSWERED: &str = "Others answered: see above for the likely causes, and verify these alone before you change \
                               anything.";

const LIKELY_REJECTED: &str =
    "Likely they are rejected as others are: see above, and look for that rule first.";

/// The facts of a family that decide about the advice for its ports.
pub(super) struct Surroundings<'a> {
    pub(super) position: &'a NetworkPosition,
    pub(super) host: Option<&'a Host>,
    pub(super) router: Option<&'a RouterFacts>,
    pub(super) watch: Watch,
    /// The notices that tell the likely cause of silent ports of a transport.
    pub(super) likely_causes: &'a [(Transport, Notice)],
    /// An address from which the checkers connect, if that is proven.
    pub(super) checker: Option<IpAddr>,
    /// Whose connections came to the port.
    pub(super) senders: &'a Senders,
}

impl Surroundings<'_> {
    /// The machine to which the router maps a port, by its own account.
    pub(super) fn mapped_to(&self, port: TransportPort) -> Option<SocketAddr> {
        let transport = match port.transport {
            Transport::Udp => MappingTransport::Udp,
            _ => MappingTransport::Tcp,
        };
        let ports = self.router?.ports.iter();
        let mut ports =
            ports.filter(|mapped| (mapped.port, mapped.transport) == (port.port.get(), transport));
        ports.find_map(|mapped| match &mapped.entry {
            MappingEntry::Mapped { to, enabled: true, .. } => Some(*to),
            _ => None,
        })
    }

    /// The words about a mapping of a port that leads elsewhere, by the router's own account.
    pub(super) fn wrong_mapping(&self, port: TransportPort) -> Option<String> {
        let (to, here) = (self.mapped_to(port)?, self.position.inside()?);
        if to.ip() != here {
            return Some(format!(
                "The router maps this port to {to}, another machine. Let it forward the port to {}.",
                self.position.here()
            ));
        }
        (to.port() != port.port.get()).then(|| {
            format!(
                "The router maps this port to another port of this machine, {}. Let it map it to the same port.",
                to.port()
            )
        })
    }

    /// The words about a silent port the likely cause of whose silence is told in a notice.
    pub(super) fn likely_cause(&self, port: TransportPort) -> Option<&'static str> {
        let mut causes = self.likely_causes.iter();
        let (_, notice) = causes.find(|(transport, _)| *transport == port.transport)?;
        Some(match notice {
            Notice::LimitedRejections { .. } => LIKELY_REJECTED,
            _ => OTHERS_ANSWERED,
        })
    }

    /// The way to learn more, with a blank before it; nothing if there is none.
    pub(super) const fn root(&self) -> &'static str {
        way_to_tell(self.watch)
    }

    /// Whether an address is one of this machine or its networks.
    pub(super) fn is_near(&self, ip: IpAddr) -> bool {
        self.host.map_or_else(|| is_local(ip), |host| host.is_near(ip))
    }

    /// The words about a neighbour whose connection may have been passed on for a checker; nothing if there was none.
    pub(super) fn neighbour(&self) -> String {
        let Some(neighbour) = self.senders.neighbour.as_ref() else { return String::new() };
        format!(
            " A connection of {}, a machine of the local network, came in and got no answer. Only if that machine \
             passes on connections of the checkers, as a proxy does, this machine's firewall is the cause.",
            neighbour.peer
        )
    }

    /// A stranger of the Internet, the interface to which a connection of it came, and the address of the
    /// checker, none of whose came.
    pub(super) fn stranger(&self) -> Option<(IpAddr, &str, IpAddr)> {
        let stranger = self.senders.stranger.as_ref().filter(|it| !self.is_near(it.peer))?;
        Some((stranger.peer, stranger.interface.as_deref()?, self.checker?))
    }
}
