//! A router's answers, as plain data.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use serde::Serialize;

/// A protocol for port mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingProtocol {
    /// RFC 6886.
    NatPmp,
    /// RFC 6887.
    Pcp,
    /// The Internet Gateway Device of UPnP, version 1 or 2.
    UpnpIgd,
}

impl fmt::Display for MappingProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NatPmp => "NAT-PMP",
            Self::Pcp => "PCP",
            Self::UpnpIgd => "UPnP",
        })
    }
}

/// The transport of a mapped port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingTransport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port's mapping, as the router tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum MappingEntry {
    /// It maps the port.
    Mapped {
        /// The machine and port behind the router.
        to: SocketAddr,
        /// What the mapping is said to be for: at most 400 characters, without control characters.
        description: String,
        /// Whether the mapping is in use.
        enabled: bool,
    },
    /// Its table for UPnP has no such mapping. Forwards made by hand need not be in that table.
    NotMapped,
    /// It did not say.
    Unknown,
}

/// A port that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedPort {
    /// The port on the Internet's side.
    pub port: u16,
    /// Its transport.
    pub transport: MappingTransport,
    /// The mapping.
    pub entry: MappingEntry,
}

/// Why a protocol told nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouterFailureCause {
    /// Nothing came back in time: most likely the protocol is turned off, or there is none.
    NoAnswer,
    /// The system has no way to the gateway.
    NoRoute,
    /// The router has no address on the Internet's side, or one that it takes for private.
    NoPublicAddress,
    /// The router refuses to tell, with this code of the protocol.
    Refused(u16),
    /// The answer named another host than the gateway, which was not asked.
    OtherHost,
    /// The answer makes no sense, or is too long.
    Malformed,
}

/// A protocol that told nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterFailure {
    /// Which one.
    pub protocol: MappingProtocol,
    /// Why.
    pub cause: RouterFailureCause,
}

/// The answers of a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterFacts {
    /// The router's address on this side.
    pub gateway: IpAddr,
    /// Its address on the Internet's side. If the outside sees another one, a further translation lies
    /// between: no forward on this router can make a port reachable.
    pub wan_address: Option<IpAddr>,
    /// Each port that was asked for.
    pub ports: Vec<MappedPort>,
    /// The protocols that told the address, or mapped a port.
    pub answered: Vec<MappingProtocol>,
    /// The others; those of [`NoPublicAddress`](RouterFailureCause::NoPublicAddress) and
    /// [`Refused`](RouterFailureCause::Refused) are spoken by the router too.
    pub failures: Vec<RouterFailure>,
}

impl RouterFacts {
    /// Before anything is known.
    pub(crate) fn new(gateway: IpAddr, ports: &[(u16, MappingTransport)]) -> Self {
        let unknown =
            |&(port, transport)| MappedPort { port, transport, entry: MappingEntry::Unknown };
        let ports = ports.iter().map(unknown).collect();
        Self { gateway, wan_address: None, ports, answered: Vec::new(), failures: Vec::new() }
    }

    /// Takes note of the mapping to `to` that was just made in this way, and of the address that came with it.
    pub(crate) fn mapped(
        &mut self,
        (to, transport): (SocketAddr, MappingTransport),
        protocol: MappingProtocol,
        address: Option<IpAddr>,
    ) {
        let entry = MappingEntry::Mapped { to, description: String::new(), enabled: true };
        self.ports.retain(|known| (known.port, known.transport) != (to.port(), transport));
        self.ports.push(MappedPort { port: to.port(), transport, entry });
        self.wan_address = self.wan_address.or(address);
        if !self.answered.contains(&protocol) {
            self.answered.push(protocol);
        }
        self.failures.retain(|failure| failure.protocol != protocol);
    }

    /// Takes the answers over one protocol; of two addresses the first is kept.
    pub(super) fn note(
        &mut self,
        protocol: MappingProtocol,
        told: Result<Option<IpAddr>, RouterFailureCause>,
    ) {
        match told {
            Ok(address) => {
                self.answered.push(protocol);
                self.wan_address = self.wan_address.or(address);
            }
            Err(cause) => self.failures.push(RouterFailure { protocol, cause }),
        }
    }
}
