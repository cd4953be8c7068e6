//! The path of a connection through this machine: its interface, its firewall, the listener, and the interface
//! again for the answer.

use crate::facts::{Local, PortFacts};

/// The last station of the path that was reached, as far as this machine can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Station {
    /// Packets were not watched, and nothing else shows how far the connection came.
    Unknown,
    /// None: packets were watched, and none came to an interface.
    None,
    /// An interface, before the firewall of this machine.
    Interface,
    /// The listener, or the kernel on its behalf: past the firewall.
    Listener,
    /// The interface again, with the answer.
    AnswerLeft,
}

/// The last station that the connections to a port reached. Those of programs of this machine do not count.
pub(super) fn last_station(facts: &PortFacts) -> Station {
    let arrivals = &facts.arrivals;
    let passed = arrivals.connections > 0 || !arrivals.half_open.is_empty();
    match &facts.sights {
        Some(sights) if sights.is_answered() => Station::AnswerLeft,
        _ if passed => Station::Listener,
        None => Station::Unknown,
        Some(sights) if sights.interface().is_some() => Station::Interface,
        Some(_) => Station::None,
    }
}

/// Whether it was the firewall of this machine that stopped the connections: they came to an interface, and
/// a listener here neither got nor answered any.
pub(super) fn is_blocked_here(facts: &PortFacts) -> bool {
    let listens = match &facts.local {
        Some(Local::Bound) => true,
        // On all addresses, and with room in its queue: then the kernel itself refuses nothing.
        Some(Local::InUse { listens_on, waiting: 0, .. } | Local::Shared { listens_on, .. }) => {
            listens_on.iter().any(|ip| ip.is_unspecified())
        }
        _ => false,
    };
    listens && last_station(facts) == Station::Interface
}
