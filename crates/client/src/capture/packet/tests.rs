//! Packets as they are at an interface, whole and cut short.

use proptest::prelude::*;

use super::{
    super::crafted::{
        ACK, ICMP, ICMPV6, RST_ACK, SYN, SYN_ACK, TCP, UDP, icmp, ipv4, ipv6, tcp, udp,
    },
    *,
};

const HERE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const THERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const HERE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 2, 3, 4, 5);
const THERE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 6, 7, 8, 9, 10);

fn segment_of(there: impl Into<IpAddr>, here: impl Into<IpAddr>, kind: SegmentKind) -> Packet {
    Packet::Segment { from: (there.into(), 40_000), to: (here.into(), 7466), kind }
}

#[test]
fn segments_that_begin_or_reset_a_connection() {
    let cases = [
        (SYN, Some(SegmentKind::Open), "SYN"),
        (SYN_ACK, Some(SegmentKind::Accept), "SYN, ACK"),
        (RST_ACK, Some(SegmentKind::Reset), "RST, ACK"),
        (ACK, None, "ACK"),
    ];
    for (flags, expected, name) in cases {
        let segment = tcp(40_000, 7466, flags);
        let found = read(&ipv4(TCP, THERE, HERE, &segment));
        assert_eq!(found, expected.map(|kind| segment_of(THERE, HERE, kind)), "{name}");
        let found = read(&ipv6(TCP, THERE_V6, HERE_V6, &segment));
        assert_eq!(found, expected.map(|kind| segment_of(THERE_V6, HERE_V6, kind)), "{name}");
    }
}

#[test]
fn a_message_names_the_port_of_the_packet_it_quotes() {
    let begun = &tcp(40_000, 7466, SYN)[..8];
    let (segment, datagram) = (ipv4(TCP, THERE, HERE, begun), ipv4(UDP, THERE, HERE, begun));
    let segment_v6 = ipv6(TCP, THERE_V6, HERE_V6, begun);
    let message = |quoted_from, quoted_to: IpAddr, transport| {
        Some(Packet::Unreachable { quoted_from, quoted_to: (quoted_to, 7466), transport })
    };
    let v4 = |transport| message(THERE.into(), HERE.into(), transport);
    let v6 = message(THERE_V6.into(), HERE_V6.into(), Transport::Tcp);
    let other = ipv4(132, THERE, HERE, begun);
    let cases = [
        (ipv4(ICMP, HERE, THERE, &icmp(3, 13, &segment)), v4(Transport::Tcp), "unreachable"),
        (ipv4(ICMP, HERE, THERE, &icmp(0, 0, &segment)), None, "an echo reply"),
        (ipv4(ICMP, HERE, THERE, &icmp(3, 3, &datagram)), v4(Transport::Udp), "about a datagram"),
        (ipv4(ICMP, HERE, THERE, &icmp(3, 2, &other)), None, "about another transport"),
        (ipv4(ICMP, HERE, THERE, &icmp(1, 4, &segment)), None, "a type of ICMPv6"),
        (ipv6(ICMPV6, HERE_V6, THERE_V6, &icmp(1, 1, &segment_v6)), v6, "the same over IPv6"),
        (ipv6(ICMPV6, HERE_V6, THERE_V6, &icmp(3, 0, &segment_v6)), None, "time exceeded"),
    ];
    for (packet, expected, why) in cases {
        assert_eq!(read(&packet), expected, "{why}");
    }
}

#[test]
fn datagrams_of_checks_and_no_others() {
    let token = UdpQuestion { token: [7; 16] };
    let (asked, answered) = (token.to_bytes(), token.answered(b"correct horse battery staple"));
    let mut cut = udp(40_000, 7466, &asked);
    cut[5] -= 1;
    let padded = [&udp(40_000, 7466, &answered)[..], &[0; 6]].concat();
    let (question, answer) = (Some(DatagramKind::Question), Some(DatagramKind::Answer));
    let cases: [(Vec<u8>, Option<DatagramKind>, &str); 8] = [
        (udp(40_000, 7466, &asked), question, "a question"),
        (udp(40_000, 7466, &answered), answer, "an answer"),
        (padded, answer, "one that the link filled up"),
        (udp(40_000, 7466, &asked[..159]), None, "too short for a question"),
        (udp(40_000, 7466, &[0; 148]), None, "another protocol, such as WireGuard's"),
        (udp(40_000, 7466, b""), None, "nothing"),
        (cut, None, "a length that cuts it short"),
        (udp(40_000, 7466, &asked)[..100].to_vec(), None, "less than its length says"),
    ];
    for (bytes, expected, why) in cases {
        let of = |from, to, packet| {
            let datagram = |kind| Packet::Datagram { from: (from, 40_000), to: (to, 7466), kind };
            assert_eq!(packet, expected.map(datagram), "{why}");
        };
        of(THERE.into(), HERE.into(), read(&ipv4(UDP, THERE, HERE, &bytes)));
        of(THERE_V6.into(), HERE_V6.into(), read(&ipv6(UDP, THERE_V6, HERE_V6, &bytes)));
    }
}

/// Length of the header in words, flags and offset of a fragment.
#[test]
fn the_header_of_ipv4_decides_where_the_segment_begins() {
    let whole = ipv4(TCP, THERE, HERE, &tcp(40_000, 7466, SYN));
    let with = |change: &[(usize, u8)]| {
        let mut packet = whole.clone();
        change.iter().for_each(|&(at, byte)| packet[at] = byte);
        packet
    };
    let mut options = with(&[(0, 0x47)]);
    options.splice(20..20, [1; 8]);
    let open = Some(segment_of(THERE, HERE, SegmentKind::Open));
    let cases = [
        (options, open, "two words of options"),
        (with(&[(6, 0x40)]), open, "must not be fragmented"),
        (with(&[(6, 0x20)]), open, "the first fragment"),
        (with(&[(7, 185)]), None, "a later fragment has no ports"),
        (with(&[(6, 0x1f)]), None, "a much later one"),
        (with(&[(0, 0x44)]), None, "a header that is too short"),
        (with(&[(0, 0x55)]), None, "of no version"),
        (whole[..33].to_vec(), None, "cut short before its flags"),
    ];
    for (packet, expected, why) in cases {
        assert_eq!(read(&packet), expected, "{why}");
    }
}

#[test]
fn extension_headers_of_ipv6_are_skipped() {
    let [hop_by_hop, routing, destination] = [0, 43, 60];
    let extension = |next: u8, units: u8| {
        let mut header = vec![0xff; (usize::from(units) + 1) * 8];
        header[..2].copy_from_slice(&[next, units]);
        header
    };
    let segment = tcp(40_000, 7466, SYN);
    let read = |first, extensions: &[Vec<u8>]| {
        let payload = [&extensions.concat(), &segment[..]].concat();
        read(&ipv6(first, THERE_V6, HERE_V6, &payload))
    };
    let open = Some(segment_of(THERE_V6, HERE_V6, SegmentKind::Open));
    assert_eq!(read(destination, &[extension(TCP, 0)]), open);
    assert_eq!(read(routing, &[extension(TCP, 2)]), open, "of 24 bytes");
    let two = [extension(destination, 1), extension(TCP, 0)];
    assert_eq!(read(hop_by_hop, &two), open, "one after another");
    let fragment = read(44, &[extension(TCP, 0)]);
    assert_eq!(fragment, None, "a fragment may have no ports");
    let mut many = vec![extension(destination, 0); MAX_EXTENSIONS - 1];
    many.push(extension(TCP, 0));
    assert_eq!(read(destination, &many), open);
    many.insert(0, extension(destination, 0));
    assert_eq!(read(destination, &many), None, "more than are skipped");
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..120), version in 0..16_u8) {
        let mut packet = bytes;
        if let Some(first) = packet.first_mut() {
            *first = version << 4 | *first & 0xf;
        }
        let _ = read(&packet);
    }
}
