//! The facts of a verification, before they are judged.

use std::net::IpAddr;

use port_checker_api::{Port, PortResult, Transport, TransportPort};
use serde::Serialize;

use crate::{Checker, Family, NoVerdict, host::Host, router::RouterFacts, sights::Sights};

/// Everything a verification found out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// How many checkers must have reached a port for it to be accessible; at least 1.
    pub quorum: usize,
    /// Whether the verification was stopped before it was finished.
    pub interrupted: bool,
    /// The facts of each address family.
    pub families: Vec<FamilyFacts>,
}

/// The facts of one address family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FamilyFacts {
    /// The family.
    pub family: Family,
    /// Whether it was asked for by name. If not, it is no fault if there is none.
    pub asked_for: bool,
    /// Whether the address to check was given, instead of seen by the checkers.
    pub address_given: bool,
    /// This machine; none when ports of another one were asked about.
    pub host: Option<Host>,
    /// Whether the packets of the run were watched at the interfaces of this machine.
    pub watch: Watch,
    /// The router's own account; none if it was not asked.
    pub router: Option<RouterFacts>,
    /// The checkers, in the order given.
    pub checkers: Vec<CheckerFacts>,
    /// The ports, in the order given.
    pub ports: Vec<PortFacts>,
}

/// Whether packets were watched at the interfaces of this machine, before its firewall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Watch {
    /// They were not.
    #[default]
    No,
    /// This user may not; root, or a program with CAP_NET_RAW, may.
    NotPermitted,
    /// They were.
    Yes {
        /// Packets that the system dropped before they could be read.
        lost: u32,
    },
}

/// The facts about one checker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckerFacts {
    /// Where it is.
    pub url: String,
    /// The address it was asked about; none if it did not say from where it sees us.
    pub address: Option<IpAddr>,
    /// The address at which it was talked to; none if there was no connection.
    pub peer: Option<IpAddr>,
    /// Why it gave no verdict, if it gave none about even one port.
    pub failure: Option<Failure>,
    /// Its signed statements, one for each request that asked for one and had open ports. Without those of a checker
    /// that the listeners contradict.
    pub attestations: Vec<Attestation>,
}

/// A signed statement of a checker about ports of the address that it was asked about, verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attestation {
    /// The transport of the ports.
    pub transport: Transport,
    /// The compact JWS.
    pub token: String,
}

impl CheckerFacts {
    /// One that is asked about `address`.
    pub(crate) fn asked(checker: &Checker, address: IpAddr) -> Self {
        Self {
            url: checker.url().to_owned(),
            address: Some(address),
            peer: None,
            failure: None,
            attestations: Vec::new(),
        }
    }
}

/// Why a checker gave no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Whether it answered at all: then the fault is the checker's and not our connection's.
    pub answered: bool,
    /// The failure, in words.
    pub message: String,
}

impl From<&NoVerdict> for Failure {
    fn from(error: &NoVerdict) -> Self {
        let silent = matches!(error, NoVerdict::Unreachable { .. } | NoVerdict::TimedOut { .. });
        Self { answered: !silent, message: error.to_string() }
    }
}

/// The facts about one port over one address family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PortFacts {
    /// The port.
    pub port: Port,
    /// Its transport.
    pub transport: Transport,
    /// The local half; none when the port is another machine's.
    pub local: Option<Local>,
    /// The program that uses the number of a TCP port over UDP, where the system tells; none if UDP is checked too.
    pub udp_holder: Option<Process>,
    /// The connections that arrived at the listener here.
    pub arrivals: Arrivals,
    /// The packets at the interfaces of this machine; none if they were not watched.
    pub sights: Option<Sights>,
    /// The result of each checker, in the order of the checkers; none: it gave no verdict.
    pub answers: Vec<Option<PortResult>>,
}

impl PortFacts {
    /// The port with its transport.
    pub const fn transport_port(&self) -> TransportPort {
        TransportPort { transport: self.transport, port: self.port }
    }
}

/// Whether this machine can use a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Local {
    /// We listened on it.
    Bound,
    /// Another program holds it; checked as it is, without challenge.
    InUse {
        /// Which program, where the system tells.
        by: Option<Process>,
        /// The addresses on which it listens, where the system tells.
        listens_on: Vec<IpAddr>,
        /// Connections that wait until it takes them, where the system tells.
        waiting: u32,
    },
    /// Another program holds it, and the check answers beside it: a UDP port, with the right to open raw sockets.
    Shared {
        /// Which program, where the system tells.
        by: Option<Process>,
        /// The addresses on which it gets datagrams, where the system tells.
        listens_on: Vec<IpAddr>,
    },
    /// This user may not listen on it.
    NotPermitted,
    /// This machine does not know the address family.
    FamilyMissing,
    /// It cannot be listened on for another reason.
    Failed {
        /// The system's words.
        error: String,
    },
}

impl Local {
    /// Whether the check answers on the port: by its own listener, or beside the program that holds it.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self, Self::Bound | Self::Shared { .. })
    }
}

/// A program that holds a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    /// The process id.
    pub pid: i32,
    /// The name of its command.
    pub name: String,
}

/// The connections that arrived at the listener on a port; over UDP, the datagrams of checkers. Those of programs of
/// this machine do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Arrivals {
    /// Connections that were established; over UDP, datagrams of checkers.
    pub connections: u32,
    /// Connections to which the challenge was sent; over UDP, datagrams that were answered.
    pub challenges_sent: u32,
    /// From where; at most [`Arrivals::MAX_PEERS`] addresses.
    pub from: Vec<IpAddr>,
    /// Who began a connection that our answers did not complete; at most as many.
    pub half_open: Vec<IpAddr>,
}

impl Arrivals {
    /// How many addresses are kept.
    pub const MAX_PEERS: usize = 8;

    pub(crate) fn completed_by(&mut self, peer: IpAddr) {
        self.connections = self.connections.saturating_add(1);
        self.half_open.retain(|begun| *begun != peer);
        keep(&mut self.from, peer);
    }

    pub(crate) fn answered(&mut self) {
        self.challenges_sent = self.challenges_sent.saturating_add(1);
    }

    pub(crate) fn begun_by(&mut self, peer: IpAddr) {
        if !self.from.contains(&peer) {
            keep(&mut self.half_open, peer);
        }
    }
}

fn keep(peers: &mut Vec<IpAddr>, peer: IpAddr) {
    if peers.len() < Arrivals::MAX_PEERS && !peers.contains(&peer) {
        peers.push(peer);
    }
}
