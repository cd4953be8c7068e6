//! The ports that answered, and when: a standard for verdicts about them.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

const PORTS: usize = 1 << 16;

/// When the first TCP packet or datagram of each port, or message about it, was delivered.
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
        let Some(port) = port(packet) else { return };
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

/// The port that a TCP packet or a datagram comes from, or that an ICMP message says cannot be reached (RFC 9293,
/// RFC 768, RFC 792, RFC 4443).
fn port(packet: &[u8]) -> Option<u16> {
    const ICMP: (u8, u8) = (1, 3);
    const ICMP_V6: (u8, u8) = (58, 1);
    /// Before the packet that it quotes, in bytes.
    const MESSAGE_HEADER: usize = 8;
    let (protocol, payload) = transport(packet)?;
    if has_ports(protocol) {
        return number(payload, 0);
    }
    if ![ICMP, ICMP_V6].contains(&(protocol, *payload.first()?)) {
        return None;
    }
    let (protocol, quoted) = transport(payload.get(MESSAGE_HEADER..)?)?;
    has_ports(protocol).then(|| number(quoted, 2)).flatten()
}

fn has_ports(protocol: u8) -> bool {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    [TCP, UDP].contains(&protocol)
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// The protocol above IP, and what it carries (RFC 791, RFC 8200). Extension headers of IPv6 are not skipped: Linux
/// sends none with these.
fn transport(packet: &[u8]) -> Option<(u8, &[u8])> {
    let first = *packet.first()?;
    let (protocol, header) = match first >> 4 {
        4 => (*packet.get(9)?, usize::from(first & 0x0f) * 4),
        6 => (*packet.get(6)?, 40),
        _ => return None,
    };
    Some((protocol, packet.get(header..)?))
}
