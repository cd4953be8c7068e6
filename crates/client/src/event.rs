//! What happens in the course of a verification.

use std::net::IpAddr;

use port_checker_api::Port;

use crate::{Diagnosis, Family};

/// Something happened. Checkers are positions in the list of checkers.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A checker told from which address it sees this machine.
    Seen {
        /// Which checker.
        checker: usize,
        /// The address.
        address: IpAddr,
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
    /// Our listener took a connection.
    Arrived {
        /// The port.
        port: Port,
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
        port: Port,
        /// Whether it got through.
        accessible: bool,
    },
    /// A checker gave no verdict.
    NoVerdict {
        /// Which checker.
        checker: usize,
        /// Over which family.
        family: Family,
        /// Why.
        message: String,
    },
    /// That was all.
    Finished(Box<Diagnosis>),
}
