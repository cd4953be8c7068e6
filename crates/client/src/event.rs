//! The events of a verification.

use std::{net::IpAddr, time::Duration};

use port_checker_api::TransportPort;

use crate::{Diagnosis, Family};

/// Something happened. Checkers are positions in the list of checkers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The checkers are being asked from which address they see this machine.
    AskingAddress {
        /// Over which family.
        family: Family,
        /// The longest it may take.
        within: Duration,
    },
    /// A checker will be asked about this many ports over a family.
    Asking {
        /// Which checker.
        checker: usize,
        /// Over which family.
        family: Family,
        /// How many ports, in all batches together.
        ports: usize,
    },
    /// A request about these ports was sent to a checker. It is over when [`Event::RequestEnded`] says so, at the latest
    /// after `within`; where the checker is busy ([`Event::Waiting`]), `within` begins again after the wait.
    Requested {
        /// Which checker.
        checker: usize,
        /// The address it checks.
        address: IpAddr,
        /// The ports.
        ports: Vec<TransportPort>,
        /// The longest it may take.
        within: Duration,
        /// How long the checker takes to judge a port that does not answer, if it has said so. One that is busy
        /// takes longer.
        silent_port: Option<Duration>,
    },
    /// A request is over, answered or not; some of its ports may be asked about again.
    RequestEnded {
        /// Which checker.
        checker: usize,
        /// The address it checked.
        address: IpAddr,
        /// The ports.
        ports: Vec<TransportPort>,
    },
    /// Our listener took a connection, or over UDP a datagram of a checker.
    Arrived {
        /// The port.
        port: TransportPort,
        /// From where.
        from: IpAddr,
    },
    /// A checker judged a port.
    Judged {
        /// Which checker.
        checker: usize,
        /// The address it checked.
        address: IpAddr,
        /// The port.
        port: TransportPort,
        /// Whether it got through.
        accessible: bool,
    },
    /// A checker is busy, and is asked again when it says that it may be.
    Waiting {
        /// Which checker.
        checker: usize,
        /// In how long.
        wait: Duration,
    },
    /// A checker gave no verdict, about some ports at least.
    NoVerdict {
        /// Which checker.
        checker: usize,
        /// Over which family.
        family: Family,
        /// Why.
        message: String,
    },
    /// Everything was checked; ports that were not reached are mapped at the router now, and checked again.
    Mapping {
        /// How many.
        ports: usize,
    },
    /// That was all.
    Finished(Box<Diagnosis>),
}
