//! Addresses that are not ordinary hosts on the Internet.
//!
//! The rows are facts from the IANA special-purpose address registries for IPv4 and IPv6
//! (RFC 6890), the multicast and site-local allocations, and the addresses at which clouds serve
//! metadata to their own machines. Being listed refuses: the registries' column "globally
//! reachable" rescues nothing, because a service behind such an address is not somebody's node.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A prefix whose addresses are refused unless a setting admits them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialPurpose {
    /// The addresses.
    pub prefix: IpNet,
    /// Their purpose, in the registry's words.
    pub name: &'static str,
    /// The document that says so.
    pub source: &'static str,
    /// Whether these are the addresses of a machine or a site itself, which
    /// `PORT_CHECKER_ALLOW_LOCAL_IPS` admits.
    pub local: bool,
}

impl SpecialPurpose {
    /// The most specific row that holds `address`, which must not be IPv4-mapped.
    pub(super) fn of(address: IpAddr) -> Option<&'static Self> {
        SPECIAL_PURPOSE
            .iter()
            .filter(|row| row.prefix.contains(&address))
            .max_by_key(|row| row.prefix.prefix_len())
    }

    const fn local(mut self) -> Self {
        self.local = true;
        self
    }
}

const fn v4(octets: [u8; 4], len: u8, name: &'static str, source: &'static str) -> SpecialPurpose {
    let [a, b, c, d] = octets;
    let prefix = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), len));
    SpecialPurpose { prefix, name, source, local: false }
}

const fn v6(groups: [u16; 8], len: u8, name: &'static str, source: &'static str) -> SpecialPurpose {
    let [a, b, c, d, e, f, g, h] = groups;
    let prefix = IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), len));
    SpecialPurpose { prefix, name, source, local: false }
}

const CLOUD: &str = "cloud metadata service";

/// Every refused prefix. Prefixes overlap; the most specific one names the reason.
pub const SPECIAL_PURPOSE: &[SpecialPurpose] = &[
    // IANA IPv4 Special-Purpose Address Registry
    v4([0, 0, 0, 0], 8, "this network", "RFC 791"),
    v4([0, 0, 0, 0], 32, "this host on this network", "RFC 1122"),
    v4([10, 0, 0, 0], 8, "private use", "RFC 1918").local(),
    v4([100, 64, 0, 0], 10, "shared address space of carriers", "RFC 6598"),
    v4([127, 0, 0, 0], 8, "loopback", "RFC 1122").local(),
    v4([169, 254, 0, 0], 16, "link local", "RFC 3927"),
    v4([172, 16, 0, 0], 12, "private use", "RFC 1918").local(),
    v4([192, 0, 0, 0], 24, "IETF protocol assignments", "RFC 6890"),
    v4([192, 0, 0, 0], 29, "IPv4 service continuity", "RFC 7335"),
    v4([192, 0, 0, 8], 32, "IPv4 dummy address", "RFC 7600"),
    v4([192, 0, 0, 9], 32, "Port Control Protocol anycast", "RFC 7723"),
    v4([192, 0, 0, 10], 32, "TURN anycast", "RFC 8155"),
    v4([192, 0, 0, 170], 32, "NAT64/DNS64 discovery", "RFC 8880"),
    v4([192, 0, 0, 171], 32, "NAT64/DNS64 discovery", "RFC 8880"),
    v4([192, 0, 2, 0], 24, "documentation", "RFC 5737"),
    v4([192, 31, 196, 0], 24, "AS112", "RFC 7535"),
    v4([192, 52, 193, 0], 24, "AMT", "RFC 7450"),
    v4([192, 88, 99, 0], 24, "deprecated 6to4 relay anycast", "RFC 7526"),
    v4([192, 88, 99, 2], 32, "6a44 relay anycast", "RFC 6751"),
    v4([192, 168, 0, 0], 16, "private use", "RFC 1918").local(),
    v4([192, 175, 48, 0], 24, "direct delegation AS112", "RFC 7534"),
    v4([198, 18, 0, 0], 15, "benchmarking", "RFC 2544"),
    v4([198, 51, 100, 0], 24, "documentation", "RFC 5737"),
    v4([203, 0, 113, 0], 24, "documentation", "RFC 5737"),
    v4([240, 0, 0, 0], 4, "reserved", "RFC 1112"),
    v4([255, 255, 255, 255], 32, "limited broadcast", "RFC 919"),
    // Beyond the IPv4 registry
    v4([224, 0, 0, 0], 4, "multicast", "RFC 5771"),
    v4([168, 63, 129, 16], 32, CLOUD, "Azure"),
    // IANA IPv6 Special-Purpose Address Registry
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback", "RFC 4291").local(),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified", "RFC 4291"),
    v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "IPv4-mapped", "RFC 4291"),
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "IPv4-IPv6 translation", "RFC 6052"),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "IPv4-IPv6 translation", "RFC 8215"),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard only", "RFC 6666"),
    v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "IPv6 dummy prefix", "RFC 9780"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "IETF protocol assignments", "RFC 2928"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo", "RFC 4380"),
    v6([0x2001, 1, 0, 0, 0, 0, 0, 1], 128, "Port Control Protocol anycast", "RFC 7723"),
    v6([0x2001, 1, 0, 0, 0, 0, 0, 2], 128, "TURN anycast", "RFC 8155"),
    v6([0x2001, 1, 0, 0, 0, 0, 0, 3], 128, "DNS-SD registration anycast", "RFC 9665"),
    v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "benchmarking", "RFC 5180"),
    v6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32, "AMT", "RFC 7450"),
    v6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48, "AS112", "RFC 7535"),
    v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28, "deprecated ORCHID", "RFC 4843"),
    v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28, "ORCHIDv2", "RFC 7343"),
    v6([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28, "drone remote ID", "RFC 9374"),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation", "RFC 3849"),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4", "RFC 3056"),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "direct delegation AS112", "RFC 7534"),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation", "RFC 9637"),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing", "RFC 9602"),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local", "RFC 4193").local(),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link local", "RFC 4291"),
    // Beyond the IPv6 registry. The metadata addresses lie within unique local space, so that
    // admitting local addresses must not admit them.
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96, "deprecated IPv4-compatible", "RFC 4291"),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "deprecated site local", "RFC 3879"),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast", "RFC 4291"),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, CLOUD, "AWS"),
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128, CLOUD, "Google Cloud"),
];
