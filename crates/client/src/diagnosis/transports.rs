//! The same number over two transports.

use std::collections::BTreeSet;

use port_checker_api::{Port, Transport, TransportPort};

use super::{notice::Notice, verdict::PortVerdict};
use crate::facts::PortFacts;

/// That numbers get through over one transport, and over the other nothing of them comes as far as this machine: the
/// commonest mistake with a router.
pub(super) fn notices(ports: &[PortFacts], verdicts: &[PortVerdict]) -> Vec<Notice> {
    let those = |transport: Transport, wanted: fn(PortVerdict) -> bool| -> BTreeSet<Port> {
        let pairs = ports.iter().zip(verdicts);
        let pairs =
            pairs.filter(|(port, verdict)| port.transport == transport && wanted(**verdict));
        pairs.map(|(port, _)| port.port).collect()
    };
    let notice = |(works, fails): (Transport, Transport)| {
        let open = those(works, PortVerdict::is_accessible);
        let closed =
            those(fails, is_stopped_outside).into_iter().filter(|port| open.contains(port));
        let mut closed = closed.map(|port| TransportPort { transport: fails, port }).peekable();
        closed.peek()?;
        Some(Notice::OnlyOneTransportWorks { fails: closed.collect(), works })
    };
    let (tcp, udp) = (Transport::Tcp, Transport::Udp);
    [(tcp, udp), (udp, tcp)].into_iter().filter_map(notice).collect()
}

/// Whether it was stopped before this machine, as far as that is known.
const fn is_stopped_outside(verdict: PortVerdict) -> bool {
    matches!(
        verdict,
        PortVerdict::NothingArrived
            | PortVerdict::TimedOut
            | PortVerdict::Refused
            | PortVerdict::Rejected
            | PortVerdict::AnotherHost
    )
}
