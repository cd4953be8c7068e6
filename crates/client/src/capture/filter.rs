//! The filter that the kernel applies to packets before this program sees them: classic BPF, as in bpf(4)
//! and the kernel's Documentation/networking/filter.rst.

use nix::libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_LD, BPF_LDX,
    BPF_MSH, BPF_RET, ETH_P_IP, ETH_P_IPV6, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP,
};
use port_checker_api::Port;
use socket2::SockFilter;

use crate::family::Family;

/// Ranges of ports that the filter knows. A list with more is replaced by one range around all of them, and
/// this program sorts out the rest.
const MAX_RANGES: usize = 256;

/// The bytes of a packet that are kept: headers and the header that an ICMP message quotes.
const SNAPSHOT: u32 = 256;

/// The address of the protocol number of a packet's link layer (`SKF_AD_OFF + SKF_AD_PROTOCOL`).
const LINK_PROTOCOL: u32 = 0xffff_f000;

/// SYN and RST: all other segments of a connection are of no interest.
const SYN_OR_RST: u32 = 0b110;

const IPV6_HEADER: u32 = 40;

/// Admits segments that begin or reset a connection to one of these ports, and ICMP messages that a
/// destination is unreachable.
pub(super) fn program(family: Family, ports: &[Port]) -> Vec<SockFilter> {
    let ranges = ranges(ports);
    match family {
        Family::Ipv4 => ipv4(&ranges),
        Family::Ipv6 => ipv6(&ranges),
    }
}

fn ipv4(ranges: &[(u32, u32)]) -> Vec<SockFilter> {
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
        unless_equal(IPPROTO_TCP as u32),
        reject(),
        load(BPF_B | BPF_IND, 13),
        jump(BPF_JSET, SYN_OR_RST, 1, 0),
        reject(),
    ];
    for offset in [0, 2] {
        program.push(load(BPF_H | BPF_IND, offset));
        program.extend(ranges.iter().flat_map(|range| admit_range(*range)));
    }
    program.push(reject());
    program
}

fn ipv6(ranges: &[(u32, u32)]) -> Vec<SockFilter> {
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
        unless_equal(IPPROTO_TCP as u32),
        reject(),
        load(BPF_B | BPF_ABS, IPV6_HEADER + 13),
        jump(BPF_JSET, SYN_OR_RST, 1, 0),
        reject(),
    ];
    for offset in [0, 2] {
        program.push(load(BPF_H | BPF_ABS, IPV6_HEADER + offset));
        program.extend(ranges.iter().flat_map(|range| admit_range(*range)));
    }
    program.push(reject());
    program
}

/// The ranges of ports, or one around all of them if they are too many.
fn ranges(ports: &[Port]) -> Vec<(u32, u32)> {
    let mut ports: Vec<u32> = ports.iter().map(|port| port.get().into()).collect();
    ports.sort_unstable();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for port in ports {
        match ranges.last_mut() {
            Some((_, last)) if port <= *last + 1 => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    match (ranges.first(), ranges.last()) {
        (Some((first, _)), Some((_, last))) if ranges.len() > MAX_RANGES => vec![(*first, *last)],
        _ => ranges,
    }
}

/// Admits a packet whose loaded port is within a range.
fn admit_range((first, last): (u32, u32)) -> [SockFilter; 3] {
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
    statement(BPF_RET, SNAPSHOT)
}

fn reject() -> SockFilter {
    statement(BPF_RET, 0)
}

fn statement(code: u32, value: u32) -> SockFilter {
    instruction(code, value, 0, 0)
}

fn jump(condition: u32, value: u32, if_true: u8, if_false: u8) -> SockFilter {
    instruction(BPF_JMP | condition, value, if_true, if_false)
}

fn instruction(code: u32, value: u32, if_true: u8, if_false: u8) -> SockFilter {
    let code = u16::try_from(code).expect("codes of classic BPF have 16 bits");
    SockFilter::new(code, if_true, if_false, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges_of(ports: impl IntoIterator<Item = u16>) -> Vec<(u32, u32)> {
        let ports: Vec<_> = ports.into_iter().filter_map(Port::new).collect();
        ranges(&ports)
    }

    #[test]
    fn ports_are_joined_to_ranges_as_long_as_there_are_few() {
        assert_eq!(ranges_of([]), []);
        assert_eq!(
            ranges_of([7468, 80, 7467, 7466, 7470, 80]),
            [(80, 80), (7466, 7468), (7470, 7470)]
        );
        assert_eq!(ranges_of([u16::MAX, u16::MAX - 1]), [(65_534, 65_535)]);
        let every_other = |count| (0..count).map(|number| 1000 + 2 * number);
        let all = ranges_of(every_other(256));
        assert_eq!((all.len(), all[255]), (MAX_RANGES, (1510, 1510)));
        assert_eq!(ranges_of(every_other(257)), [(1000, 1512)]);
    }
}
