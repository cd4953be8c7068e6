//! What was done at the router for a port, as plain data and in words.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::facts::{MappingProtocol, MappingTransport, RouterFailureCause};

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

    /// The same but for the port: how mappings are grouped.
    pub fn is_alike(&self, other: &Self) -> bool {
        Self { port: other.port, ..self.clone() } == *other
    }

    /// For a person: what was done about `ports`, which are alike.
    pub fn describe(&self, ports: &str) -> String {
        let transport = match self.transport {
            MappingTransport::Tcp => "tcp",
            MappingTransport::Udp => "udp",
        };
        if let MappingState::NotMapped { reason } = &self.state {
            return format!("Not mapped {ports}/{transport}: {}.", self.describe_obstacle(reason));
        }
        let way = self.way();
        let reachable = match self.accessible {
            Some(true) => "; reachable now",
            Some(false) => "; still not reachable",
            None => "",
        };
        format!("Mapped {ports}/{transport} at {way}{reachable}. {}", self.describe_end())
    }

    /// The router and the protocol.
    fn way(&self) -> String {
        let router = self.router.map_or_else(String::new, |router| format!(" {router}"));
        let protocol = self.protocol.map_or_else(String::new, |name| format!(" over {name}"));
        format!("the router{router}{protocol}")
    }

    fn describe_end(&self) -> String {
        match &self.state {
            MappingState::Removed { permanent: false } => "Removed again.".to_owned(),
            MappingState::Removed { permanent: true } => {
                "Removed again; the router knows only mappings without an end, so it would have stayed if \
                 this program had been killed."
                    .to_owned()
            }
            MappingState::Kept { until } => format!("It stays until {until}."),
            MappingState::NotRemoved { cause, until } => {
                let cause = self.describe_cause(cause);
                let until = until.as_ref().map_or_else(
                    || "Remove it at the router: it has no end.".to_owned(),
                    |until| format!("It ends by itself at {until}."),
                );
                format!("It could not be removed: {cause}. {until}")
            }
            MappingState::Open { lease_seconds: None } => {
                "The router knows only mappings without an end: it stays if this program is killed."
                    .to_owned()
            }
            MappingState::Open { .. } | MappingState::Asked | MappingState::NotMapped { .. } => {
                "It is removed at the end.".to_owned()
            }
        }
    }

    fn describe_obstacle(&self, reason: &MappingObstacle) -> String {
        let way = self.way();
        match reason {
            MappingObstacle::NoRouter => {
                "no router that could be asked translates addresses before this machine".to_owned()
            }
            MappingObstacle::NoProtocol => {
                format!("{way} answers neither UPnP nor PCP nor NAT-PMP")
            }
            MappingObstacle::Taken { to } => {
                format!("{way} maps it to {to}, another machine, and that stays as it is")
            }
            MappingObstacle::AlreadyMapped { to } => {
                format!("{way} maps it to {to}, this machine, already")
            }
            MappingObstacle::OtherPort { offered } => format!(
                "{way} offers the port {offered} instead; probably it is mapped to another machine"
            ),
            MappingObstacle::Failed { cause } => self.describe_cause(cause),
            MappingObstacle::TooMany => "there are too many ports to map in one run".to_owned(),
            MappingObstacle::Interrupted => format!("the run ended before {way} had answered"),
            MappingObstacle::NoTime => format!("{way} took too long for the ports before"),
        }
    }

    fn describe_cause(&self, cause: &RouterFailureCause) -> String {
        let way = self.way();
        match cause {
            RouterFailureCause::NoAnswer => format!("{way} did not answer"),
            RouterFailureCause::NoRoute => format!("no packet gets to {way}"),
            RouterFailureCause::NoPublicAddress => {
                format!("{way} has no public address on the Internet's side")
            }
            RouterFailureCause::Refused(code) => {
                let meaning = meaning(self.protocol, *code);
                format!("the router refused: {way} answered {code}{meaning}")
            }
            RouterFailureCause::OtherHost => format!("{way} names another host"),
            RouterFailureCause::Malformed => format!("the answer of {way} makes no sense"),
        }
    }
}

/// What a code of a protocol says, with a comma before it; nothing for rare ones.
const fn meaning(protocol: Option<MappingProtocol>, code: u16) -> &'static str {
    match (protocol, code) {
        (Some(MappingProtocol::UpnpIgd), 606)
        | (Some(MappingProtocol::Pcp | MappingProtocol::NatPmp), 2) => ", not authorized",
        (Some(MappingProtocol::UpnpIgd), 501) => ", action failed",
        (Some(MappingProtocol::UpnpIgd), 718) => ", the port is mapped to another machine",
        (Some(MappingProtocol::UpnpIgd), 728) | (Some(MappingProtocol::Pcp), 8) => {
            ", no space left"
        }
        (Some(MappingProtocol::Pcp), 10) => ", this machine has too many mappings",
        (Some(MappingProtocol::Pcp), 11) => ", it cannot provide the port",
        (Some(MappingProtocol::NatPmp), 4) => ", no space left",
        _ => "",
    }
}
