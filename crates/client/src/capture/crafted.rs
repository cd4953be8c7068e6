//! Packets made by hand.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Flags of a segment.
pub(super) const SYN: u8 = 0b10;
pub(super) const SYN_ACK: u8 = 0b1_0010;
pub(super) const RST_ACK: u8 = 0b1_0100;
pub(super) const ACK: u8 = 0b1_0000;

/// Numbers of protocols.
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

/// A segment without data.
pub(super) fn tcp(from: u16, to: u16, flags: u8) -> Vec<u8> {
    let mut segment = [from.to_be_bytes(), to.to_be_bytes()].concat();
    segment.resize(20, 0);
    segment[12] = 5 << 4;
    segment[13] = flags;
    segment
}

/// A datagram without a checksum.
pub(super) fn udp(from: u16, to: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).expect("a short datagram");
    let header = [from, to, length, 0].map(u16::to_be_bytes).concat();
    [&header, data].concat()
}

/// A packet of IPv4 without options.
pub(super) fn ipv4(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20];
    packet[0] = 0x45;
    packet[8] = 64;
    packet[9] = protocol;
    packet[12..16].copy_from_slice(&from.octets());
    packet[16..20].copy_from_slice(&to.octets());
    [&packet, payload].concat()
}

/// A packet of IPv6 with the first of its next headers.
pub(super) fn ipv6(next: u8, from: Ipv6Addr, to: Ipv6Addr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let header = [0x60, 0, 0, 0, length[0], length[1], next, 64];
    [&header, &from.octets()[..], &to.octets(), payload].concat()
}

/// A message of ICMP, of either version, about a packet.
pub(super) fn icmp(kind: u8, code: u8, quoted: &[u8]) -> Vec<u8> {
    [&[kind, code, 0, 0, 0, 0, 0, 0], quoted].concat()
}
