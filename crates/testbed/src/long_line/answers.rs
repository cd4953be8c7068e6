//! The ports that answered, and when: a standard for verdicts about them.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

const PORTS: usize = 1 << 16;

/// When the first TCP packet or datagram of each port was delivered.
pub(super) struct Answers {
    begun: Instant,
    /// Milliseconds since then, plus one; zero for none.
    first: Box<[AtomicU32]>,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), first: (0..PORTS).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Remembers a packet that is delivered now.
    pub(super) fn note(&self, packet: &[u8]) {
        let Some(port) = source_port(packet) else { return };
        let after = u32::try_from(self.begun.elapsed().as_millis()).unwrap_or(u32::MAX - 1);
        let first = &self.first[usize::from(port)];
        let _ = first.compare_exchange(0, after + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// When the first packet of a port was delivered, to the millisecond.
    pub(super) fn first(&self, port: u16) -> Option<Instant> {
        let after = self.first[usize::from(port)].load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.begun + Duration::from_millis(after.into()))
    }

    pub(super) fn forget(&self) {
        for first in &self.first {
            first.store(0, Ordering::Relaxed);
        }
    }
}

/// The port that a TCP packet or a datagram comes from (RFC 791, RFC 8200, RFC 9293, RFC 768). Extension headers
/// of IPv6 are not skipped: Linux sends none with these.
fn source_port(packet: &[u8]) -> Option<u16> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    let first = *packet.first()?;
    let (protocol, header) = match first >> 4 {
        4 => (*packet.get(9)?, usize::from(first & 0x0f) * 4),
        6 => (*packet.get(6)?, 40),
        _ => return None,
    };
    let port = packet.get(header..header + 2)?;
    [TCP, UDP].contains(&protocol).then(|| u16::from_be_bytes([port[0], port[1]]))
}
