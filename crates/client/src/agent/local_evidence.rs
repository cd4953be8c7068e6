//! The evidence about a port that this machine has itself.

use port_checker_api::{PortResult, TransportPort};

use crate::{
    facts::{Arrivals, Local, PortFacts, Process},
    sights::Sights,
};

/// The facts of one port on this machine.
#[derive(Default)]
pub(super) struct LocalEvidence {
    pub(super) local: Option<Local>,
    pub(super) udp_holder: Option<Process>,
    pub(super) arrivals: Arrivals,
    pub(super) sights: Option<Sights>,
}

impl LocalEvidence {
    /// The same with the answers of all checkers.
    pub(super) fn into_facts(
        self,
        port: TransportPort,
        answers: Vec<Option<PortResult>>,
    ) -> PortFacts {
        let Self { local, udp_holder, arrivals, sights } = self;
        let TransportPort { transport, port } = port;
        PortFacts { port, transport, local, udp_holder, arrivals, sights, answers }
    }
}

/// The local half of a port, with the connections that wait for its program now.
pub(super) fn with_queue(local: &Local, waiting: Option<&u32>) -> Local {
    match (local.clone(), waiting) {
        (Local::InUse { by, listens_on, .. }, Some(&waiting)) => {
            Local::InUse { by, listens_on, waiting }
        }
        (local, _) => local,
    }
}
