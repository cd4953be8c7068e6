//! Packets of the network layer (RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 792, RFC 4443), as far as they concern
//! checks of ports of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::libc::{IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP};
use port_checker_api::{Transport, UdpAnswer, UdpQuestion};

/// Extension headers of IPv6 that are skipped; more are not seen in practice.
const MAX_EXTENSIONS: usize = 8;

/// The length of the header of UDP.
const UDP_HEADER: usize = 8;

const SYN: u8 = 0b10;
const RST: u8 = 0b100;
const ACK: u8 = 0b1_0000;

/// A packet that says something about a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packet {
    /// A segment of TCP.
    Segment { from: (IpAddr, u16), to: (IpAddr, u16), kind: SegmentKind },
    /// A datagram of the check of a UDP port.
    Datagram { from: (IpAddr, u16), to: (IpAddr, u16), kind: DatagramKind },
    /// An ICMP message that the destination of a quoted packet cannot be reached.
    Unreachable {
        /// The sender of the quoted packet.
        quoted_from: IpAddr,
        /// Its destination.
        quoted_to: (IpAddr, u16),
        /// Its transport.
        transport: Transport,
    },
}

/// The datagrams of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatagramKind {
    /// A checker asks.
    Question,
    /// A listener answers.
    Answer,
}

/// The segments that begin or reset a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentKind {
    /// SYN.
    Open,
    /// SYN and ACK.
    Accept,
    /// RST.
    Reset,
}

/// The part of a packet after the headers of the network layer.
struct Payload<'a> {
    from: IpAddr,
    to: IpAddr,
    protocol: i32,
    bytes: &'a [u8],
}

/// Reads a packet; none if it is of no interest, or cut short.
pub(crate) fn read(packet: &[u8]) -> Option<Packet> {
    let payload = payload(packet)?;
    match payload.protocol {
        IPPROTO_TCP => segment(&payload),
        IPPROTO_UDP => datagram(&payload),
        IPPROTO_ICMP if *payload.bytes.first()? == 3 => unreachable(&payload),
        IPPROTO_ICMPV6 if *payload.bytes.first()? == 1 => unreachable(&payload),
        _ => None,
    }
}

fn segment(payload: &Payload<'_>) -> Option<Packet> {
    let flags = payload.bytes.get(13)?;
    let kind = match (flags & RST != 0, flags & SYN != 0, flags & ACK != 0) {
        (true, ..) => SegmentKind::Reset,
        (_, true, true) => SegmentKind::Accept,
        (_, true, false) => SegmentKind::Open,
        _ => return None,
    };
    let (from, to) = (u16_at(payload.bytes, 0)?, u16_at(payload.bytes, 2)?);
    Some(Packet::Segment { from: (payload.from, from), to: (payload.to, to), kind })
}

fn datagram(payload: &Payload<'_>) -> Option<Packet> {
    let bytes = payload.bytes;
    let (from, to, length) = (u16_at(bytes, 0)?, u16_at(bytes, 2)?, u16_at(bytes, 4)?);
    // A link may fill short packets up.
    let data = bytes.get(UDP_HEADER..usize::from(length))?;
    let kind = match (UdpQuestion::parse(data), UdpAnswer::parse(data)) {
        (Some(_), _) => DatagramKind::Question,
        (None, Some(_)) => DatagramKind::Answer,
        (None, None) => return None,
    };
    Some(Packet::Datagram { from: (payload.from, from), to: (payload.to, to), kind })
}

/// The header of a message has eight bytes, and the quoted packet follows it.
fn unreachable(message: &Payload<'_>) -> Option<Packet> {
    let quoted = payload(message.bytes.get(8..)?)?;
    let transport = match quoted.protocol {
        IPPROTO_TCP => Transport::Tcp,
        IPPROTO_UDP => Transport::Udp,
        _ => return None,
    };
    let quoted_to = (quoted.to, u16_at(quoted.bytes, 2)?);
    Some(Packet::Unreachable { quoted_from: quoted.from, quoted_to, transport })
}

fn payload(packet: &[u8]) -> Option<Payload<'_>> {
    match packet.first()? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<Payload<'_>> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    let address = |at: usize| {
        let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(IpAddr::from(Ipv4Addr::from(bytes)))
    };
    if header < 20 || u16_at(packet, 6)? & 0x1fff != 0 {
        return None;
    }
    let protocol = i32::from(*packet.get(9)?);
    Some(Payload { from: address(12)?, to: address(16)?, protocol, bytes: packet.get(header..)? })
}

fn ipv6(packet: &[u8]) -> Option<Payload<'_>> {
    let address = |at: usize| {
        let bytes: [u8; 16] = packet.get(at..at + 16)?.try_into().ok()?;
        Some(IpAddr::from(Ipv6Addr::from(bytes)))
    };
    let (from, to) = (address(8)?, address(24)?);
    let (mut next, mut at) = (*packet.get(6)?, 40);
    for _ in 0..=MAX_EXTENSIONS {
        // Hop-by-hop options, routing, destination options: the next header, and a length in eight bytes.
        if !matches!(next, 0 | 43 | 60) {
            return Some(Payload { from, to, protocol: i32::from(next), bytes: packet.get(at..)? });
        }
        next = *packet.get(at)?;
        at += (usize::from(*packet.get(at + 1)?) + 1) * 8;
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
