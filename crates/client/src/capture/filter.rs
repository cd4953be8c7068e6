//! The filter that the kernel applies to packets before this program sees them: classic BPF, as in bpf(4)
//! and the kernel's Documentation/networking/filter.rst.

use nix::libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K,
    BPF_LD, BPF_LDX, BPF_MSH, BPF_RET, BPF_W, ETH_P_IP, ETH_P_IPV6, IPPROTO_ICMP, IPPROTO_ICMPV6,
    IPPROTO_TCP, IPPROTO_UDP,
};
use port_checker_api::{Port, Transport, TransportPort};
use socket2::SockFilter;

use crate::family::Family;

/// Ranges of ports of each transport that a filter knows, from the narrowest filter to the widest. The kernel takes programs of 4096
/// instructions, and a range takes six; but it has little memory for the filters of a socket
/// (`net.core.optmem_max`). A list with more ranges is covered by wider ones, and this program sorts out the rest.
pub(super) const MAX_RANGES: [usize; 3] = [256, 32, 1];

/// The first and the last port of a range.
type Range = (u32, u32);

/// The bytes of a packet that are kept: headers and the header that an ICMP message quotes.
const SNAPSHOT: u32 = 256;

/// The address of the protocol number of a packet's link layer (`SKF_AD_OFF + SKF_AD_PROTOCOL`).
const LINK_PROTOCOL: u32 = 0xffff_f000;

/// SYN and RST: all other segments of a connection are of no interest.
const SYN_OR_RST: u32 = 0b110;

const IPV6_HEADER: u32 = 40;

/// The first four bytes of the datagrams with which UDP ports are checked, and of the answers: programs may get many
/// others at the same port.
const CHECK_MARK: u32 = u32::from_be_bytes(*b"PRTC");

/// The length of the header of UDP.
const UDP_HEADER: u32 = 8;

/// Admits segments that begin or reset a connection to one of the TCP ports, datagrams of checks of the UDP ports, and
/// ICMP messages that a destination is unreachable.
pub(super) fn program(
    family: Family,
    ports: &[TransportPort],
    max_ranges: usize,
) -> Vec<SockFilter> {
    let over = |transport: Transport| {
        let ports = ports.iter().filter(|port| port.transport == transport);
        ranges(&ports.map(|port| port.port).collect::<Vec<_>>(), max_ranges)
    };
    let (tcp, udp) = (over(Transport::Tcp), over(Transport::Udp));
    match family {
        Family::Ipv4 => ipv4(&tcp, &udp),
        Family::Ipv6 => ipv6(&tcp, &udp),
    }
}

fn ipv4(tcp: &[Range], udp: &[Range]) -> Vec<SockFilter> {
    let mut program = vec![
        load(BPF_H | BPF_ABS, LINK_PROTOCOL),
        unless_equal(ETH_P_IP as u32),
        reject(),
        // Later fragments have no ports.
        load(BPF_H | BPF_ABS, 6),
        jump(BPF_JSET, 0x1fff, 0, 1),
        reject(),
        statement(BPF_LDX | BPF_B | BPF_MSH, 0),
        load(BPF_B | BPF_ABS, 9),
        // ICMP: type 3, destination unreachable.
        jump(BPF_JEQ, IPPROTO_ICMP as u32, 0, 4),
        load(BPF_B | BPF_IND, 0),
        jump(BPF_JEQ, 3, 0, 1),
        admit(),
        reject(),
    ];
    program.extend(transports(BPF_IND, 0, tcp, udp));
    program
}

fn ipv6(tcp: &[Range], udp: &[Range]) -> Vec<SockFilter> {
    let mut program = vec![
        load(BPF_H | BPF_ABS, LINK_PROTOCOL),
        unless_equal(ETH_P_IPV6 as u32),
        reject(),
        load(BPF_B | BPF_ABS, 6),
        // ICMPv6: type 1, destination unreachable.
        jump(BPF_JEQ, IPPROTO_ICMPV6 as u32, 0, 4),
        load(BPF_B | BPF_ABS, IPV6_HEADER),
        jump(BPF_JEQ, 1, 0, 1),
        admit(),
        reject(),
        // Packets with extension headers are rare, and sorted out by this program.
        jump(BPF_JEQ, 0, 2, 0),
        jump(BPF_JEQ, 43, 1, 0),
        jump(BPF_JEQ, 60, 0, 1),
        admit(),
    ];
    program.extend(transports(BPF_ABS, IPV6_HEADER, tcp, udp));
    program
}

/// Goes on with the header of TCP or UDP, which lies at `start` in this mode, where the protocol number is loaded.
fn transports(mode: u32, start: u32, tcp: &[Range], udp: &[Range]) -> Vec<SockFilter> {
    let mut of_tcp =
        vec![load(BPF_B | mode, start + 13), jump(BPF_JSET, SYN_OR_RST, 1, 0), reject()];
    of_tcp.extend(admit_ports(mode, start, tcp));
    let of_udp = [load(BPF_W | mode, start + UDP_HEADER), unless_equal(CHECK_MARK), reject()];
    let to_udp = u32::try_from(of_tcp.len()).expect("a program has few instructions");
    let mut program = vec![
        // UDP lies behind TCP, farther than a condition can jump.
        jump(BPF_JEQ, IPPROTO_UDP as u32, 0, 1),
        statement(BPF_JMP | BPF_JA, to_udp + 2),
        unless_equal(IPPROTO_TCP as u32),
        reject(),
    ];
    program.extend(of_tcp);
    program.extend(of_udp);
    program.extend(admit_ports(mode, start, udp));
    program
}

/// Admits a packet from or to one of the ports, and no other.
fn admit_ports(mode: u32, start: u32, ranges: &[Range]) -> Vec<SockFilter> {
    let mut program = Vec::new();
    for offset in [0, 2] {
        program.push(load(BPF_H | mode, start + offset));
        program.extend(ranges.iter().flat_map(|range| admit_range(*range)));
    }
    program.push(reject());
    program
}

/// At most so many ranges that hold all of the ports: the widest gaps between ports separate them.
fn ranges(ports: &[Port], max: usize) -> Vec<Range> {
    let mut ports: Vec<u32> = ports.iter().map(|port| port.get().into()).collect();
    ports.sort_unstable();
    let gaps = ports.windows(2).enumerate().map(|(index, pair)| (pair[1] - pair[0], index + 1));
    let mut gaps: Vec<(u32, usize)> = gaps.filter(|(width, _)| *width > 1).collect();
    gaps.sort_unstable_by(|one, other| other.cmp(one));
    gaps.truncate(max.saturating_sub(1));
    let mut ends: Vec<usize> = gaps.into_iter().map(|(_, end)| end).chain([ports.len()]).collect();
    ends.sort_unstable();
    let starts = [0].into_iter().chain(ends.iter().copied());
    let range = |(start, &end): (usize, &usize)| Some((*ports.get(start)?, *ports.get(end - 1)?));
    starts.zip(&ends).filter_map(range).collect()
}

/// Admits a packet whose loaded port is within a range.
fn admit_range((first, last): Range) -> [SockFilter; 3] {
    [jump(BPF_JGE, first, 0, 2), jump(BPF_JGT, last, 1, 0), admit()]
}

/// Goes on to the next statement but one if the loaded value is equal.
fn unless_equal(value: u32) -> SockFilter {
    jump(BPF_JEQ, value, 1, 0)
}

fn load(mode: u32, offset: u32) -> SockFilter {
    statement(BPF_LD | mode, offset)
}

fn admit() -> SockFilter {
    statement(BPF_RET | BPF_K, SNAPSHOT)
}

fn reject() -> SockFilter {
    statement(BPF_RET | BPF_K, 0)
}

fn statement(code: u32, value: u32) -> SockFilter {
    instruction(code, value, 0, 0)
}

fn jump(condition: u32, value: u32, if_true: u8, if_false: u8) -> SockFilter {
    instruction(BPF_JMP | condition | BPF_K, value, if_true, if_false)
}

fn instruction(code: u32, value: u32, if_true: u8, if_false: u8) -> SockFilter {
    let code = u16::try_from(code).expect("codes of classic BPF have 16 bits");
    SockFilter::new(code, if_true, if_false, value)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use socket2::SockRef;

    use super::*;

    fn scattered(count: u16) -> Vec<Port> {
        (0..count).rev().map(|index| Port::new(1 + index * 8).unwrap()).collect()
    }

    #[test]
    fn the_widest_gaps_separate_ranges() {
        let cases: [(&[u16], usize, &[Range], &str); 7] = [
            (&[], 256, &[], "no port"),
            (&[7466], 256, &[(7466, 7466)], "one port"),
            (&[3, 1, 2, 2], 256, &[(1, 3)], "in any order, and twice"),
            (&[1, 2, 4, 65_535], 256, &[(1, 2), (4, 4), (65_535, 65_535)], "as many as wanted"),
            (&[1, 2, 4, 65_535], 2, &[(1, 4), (65_535, 65_535)], "the narrowest gap is closed"),
            (&[1, 2, 4, 65_535], 1, &[(1, 65_535)], "one around all"),
            (&[10, 20, 30], 2, &[(10, 20), (30, 30)], "of equal gaps the last"),
        ];
        for (ports, max, expected, why) in cases {
            let ports: Vec<Port> = ports.iter().map(|port| Port::new(*port).unwrap()).collect();
            assert_eq!(ranges(&ports, max), expected, "{why}");
        }
    }

    #[test]
    fn the_kernel_takes_the_longest_program() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let tcp = scattered(8000).into_iter().map(TransportPort::from);
        let udp = scattered(8000).into_iter().map(|port| TransportPort::over(Transport::Udp, port));
        let ports: Vec<_> = tcp.chain(udp).collect();
        for family in [Family::Ipv4, Family::Ipv6] {
            for max_ranges in MAX_RANGES {
                let program = program(family, &ports, max_ranges);
                assert!(program.len() <= 4096, "{} instructions", program.len());
                SockRef::from(&socket).attach_filter(&program).expect("a good program");
            }
        }
    }
}
