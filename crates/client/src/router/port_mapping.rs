//! What was done at the router for a port, as plain data.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::{
    facts::{MappingProtocol, MappingTransport, RouterFailureCause},
    router_port::RouterPort,
};

/// What was done at the router for a port that checkers did not reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortMapping {
    /// The port, on both sides of the router.
    pub port: u16,
    /// Its transport.
    pub transport: MappingTransport,
    /// The router's address on this side; none: there is none to ask.
    pub router: Option<IpAddr>,
    /// How it was asked; none if it was not.
    pub protocol: Option<MappingProtocol>,
    /// What came of it.
    #[serde(flatten)]
    pub state: MappingState,
    /// Whether the port was accessible while it was mapped; none: it was not checked again.
    pub accessible: Option<bool>,
}

/// The state of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MappingState {
    /// The router was asked for it, and has not answered yet.
    Asked,
    /// The router maps the port to this machine.
    Open {
        /// How long from the last renewal; none: until it is removed.
        lease_seconds: Option<u32>,
    },
    /// It was open, and is removed.
    Removed {
        /// Whether the router knows no leases: the mapping would have stayed if the program had been killed.
        permanent: bool,
    },
    /// It is left open for a while, as was asked for.
    Kept {
        /// When the lease ends, RFC 3339.
        until: String,
    },
    /// It could not be removed.
    NotRemoved {
        /// Why.
        cause: RouterFailureCause,
        /// When the lease ends, RFC 3339; none: never.
        until: Option<String>,
    },
    /// There is no mapping by this program.
    NotMapped {
        /// Why.
        reason: MappingObstacle,
    },
}

/// Why a port was not mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MappingObstacle {
    /// No router translates addresses before this machine, or none is known.
    NoRouter,
    /// The router speaks none of the protocols.
    NoProtocol,
    /// The router maps the port to another machine. That mapping was not touched.
    Taken {
        /// The machine and its port.
        to: SocketAddr,
    },
    /// The router maps the port to this machine already. That mapping was not touched.
    AlreadyMapped {
        /// This machine and the port.
        to: SocketAddr,
    },
    /// The router gives another port on the Internet's side, which was not used.
    OtherPort {
        /// The one it gives.
        offered: u16,
    },
    /// The router did not do it.
    Failed {
        /// Why.
        cause: RouterFailureCause,
    },
    /// There are more ports than are mapped in one run.
    TooMany,
    /// The time for mappings was up.
    NoTime,
    /// The run ended before the router had answered. Whatever it did since was undone.
    Interrupted,
}

impl PortMapping {
    /// Whether this program has a mapping of the port at the router, as far as is known.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, MappingState::Open { .. })
    }

    /// Whether it is that of a port.
    pub(crate) fn is_of(&self, port: RouterPort) -> bool {
        (self.port, self.transport) == (port.get(), port.transport)
    }

    /// The same but for the port: how mappings are grouped.
    pub fn is_alike(&self, other: &Self) -> bool {
        Self { port: other.port, ..self.clone() } == *other
    }
}
