//! Ports at which the check answers beside the program that holds them.

use super::notice::Notice;
use crate::facts::{Local, PortFacts};

/// That programs got datagrams of the check; none if none did.
pub(super) fn notice(ports: &[PortFacts]) -> Option<Notice> {
    let is_shared = |port: &&PortFacts| matches!(port.local, Some(Local::Shared { .. }));
    let got = ports.iter().filter(is_shared).filter(|port| port.arrivals.connections > 0);
    let mut got = got.map(PortFacts::transport_port).peekable();
    got.peek()?;
    Some(Notice::StrayDatagrams { ports: got.collect() })
}
