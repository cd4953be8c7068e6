//! The edges of every special-purpose prefix: the first address, the last, and one on either side.
//!
//! A refusal names the most specific prefix; neighbouring and overlapping prefixes make
//! some outer neighbours refused too. Nothing here is dialled.

pub(crate) enum Expected {
    /// Refused, because of this prefix.
    Refused(&'static str),
    Allowed,
}
use Expected::{Allowed, Refused};

#[rustfmt::skip]
pub(crate) const EDGES: &[(&str, Expected, &str)] = &[
    // 0.0.0.0/8 This network
    ("0.0.0.0", Refused("0.0.0.0/32"), "first of This network"),
    ("0.255.255.255", Refused("0.0.0.0/8"), "last of This network"),
    ("1.0.0.0", Allowed, "one above This network"),
    // 0.0.0.0/32 This host on this network
    ("0.0.0.0", Refused("0.0.0.0/32"), "first of This host on this network"),
    ("0.0.0.0", Refused("0.0.0.0/32"), "last of This host on this network"),
    ("0.0.0.1", Refused("0.0.0.0/8"), "one above This host on this network"),
    // 10.0.0.0/8 Private-Use
    ("10.0.0.0", Refused("10.0.0.0/8"), "first of Private-Use"),
    ("10.255.255.255", Refused("10.0.0.0/8"), "last of Private-Use"),
    ("9.255.255.255", Allowed, "one below Private-Use"),
    ("11.0.0.0", Allowed, "one above Private-Use"),
    // 100.64.0.0/10 Shared Address Space
    ("100.64.0.0", Refused("100.64.0.0/10"), "first of Shared Address Space"),
    ("100.127.255.255", Refused("100.64.0.0/10"), "last of Shared Address Space"),
    ("100.63.255.255", Allowed, "one below Shared Address Space"),
    ("100.128.0.0", Allowed, "one above Shared Address Space"),
    // 127.0.0.0/8 Loopback
    ("127.0.0.0", Refused("127.0.0.0/8"), "first of Loopback"),
    ("127.255.255.255", Refused("127.0.0.0/8"), "last of Loopback"),
    ("126.255.255.255", Allowed, "one below Loopback"),
    ("128.0.0.0", Allowed, "one above Loopback"),
    // 169.254.0.0/16 Link Local
    ("169.254.0.0", Refused("169.254.0.0/16"), "first of Link Local"),
    ("169.254.255.255", Refused("169.254.0.0/16"), "last of Link Local"),
    ("169.253.255.255", Allowed, "one below Link Local"),
    ("169.255.0.0", Allowed, "one above Link Local"),
    // 172.16.0.0/12 Private-Use
    ("172.16.0.0", Refused("172.16.0.0/12"), "first of Private-Use"),
    ("172.31.255.255", Refused("172.16.0.0/12"), "last of Private-Use"),
    ("172.15.255.255", Allowed, "one below Private-Use"),
    ("172.32.0.0", Allowed, "one above Private-Use"),
    // 192.0.0.0/24 IETF Protocol Assignments
    ("192.0.0.0", Refused("192.0.0.0/29"), "first of IETF Protocol Assignments"),
    ("192.0.0.255", Refused("192.0.0.0/24"), "last of IETF Protocol Assignments"),
    ("191.255.255.255", Allowed, "one below IETF Protocol Assignments"),
    ("192.0.1.0", Allowed, "one above IETF Protocol Assignments"),
    // 192.0.0.0/29 IPv4 Service Continuity Prefix
    ("192.0.0.0", Refused("192.0.0.0/29"), "first of IPv4 Service Continuity Prefix"),
    ("192.0.0.7", Refused("192.0.0.0/29"), "last of IPv4 Service Continuity Prefix"),
    ("191.255.255.255", Allowed, "one below IPv4 Service Continuity Prefix"),
    ("192.0.0.8", Refused("192.0.0.8/32"), "one above IPv4 Service Continuity Prefix"),
    // 192.0.0.8/32 IPv4 dummy address
    ("192.0.0.8", Refused("192.0.0.8/32"), "first of IPv4 dummy address"),
    ("192.0.0.8", Refused("192.0.0.8/32"), "last of IPv4 dummy address"),
    ("192.0.0.7", Refused("192.0.0.0/29"), "one below IPv4 dummy address"),
    ("192.0.0.9", Refused("192.0.0.9/32"), "one above IPv4 dummy address"),
    // 192.0.0.9/32 Port Control Protocol Anycast
    ("192.0.0.9", Refused("192.0.0.9/32"), "first of Port Control Protocol Anycast"),
    ("192.0.0.9", Refused("192.0.0.9/32"), "last of Port Control Protocol Anycast"),
    ("192.0.0.8", Refused("192.0.0.8/32"), "one below Port Control Protocol Anycast"),
    ("192.0.0.10", Refused("192.0.0.10/32"), "one above Port Control Protocol Anycast"),
    // 192.0.0.10/32 Traversal Using Relays around NAT Anycast
    ("192.0.0.10", Refused("192.0.0.10/32"), "first of Traversal Using Relays around NAT Anycast"),
    ("192.0.0.10", Refused("192.0.0.10/32"), "last of Traversal Using Relays around NAT Anycast"),
    ("192.0.0.9", Refused("192.0.0.9/32"), "one below Traversal Using Relays around NAT Anycast"),
    ("192.0.0.11", Refused("192.0.0.0/24"), "one above Traversal Using Relays around NAT Anycast"),
    // 192.0.0.170/32 NAT64/DNS64 Discovery
    ("192.0.0.170", Refused("192.0.0.170/32"), "first of NAT64/DNS64 Discovery"),
    ("192.0.0.170", Refused("192.0.0.170/32"), "last of NAT64/DNS64 Discovery"),
    ("192.0.0.169", Refused("192.0.0.0/24"), "one below NAT64/DNS64 Discovery"),
    ("192.0.0.171", Refused("192.0.0.171/32"), "one above NAT64/DNS64 Discovery"),
    // 192.0.0.171/32 NAT64/DNS64 Discovery
    ("192.0.0.171", Refused("192.0.0.171/32"), "first of NAT64/DNS64 Discovery"),
    ("192.0.0.171", Refused("192.0.0.171/32"), "last of NAT64/DNS64 Discovery"),
    ("192.0.0.170", Refused("192.0.0.170/32"), "one below NAT64/DNS64 Discovery"),
    ("192.0.0.172", Refused("192.0.0.0/24"), "one above NAT64/DNS64 Discovery"),
    // 192.0.2.0/24 Documentation (TEST-NET-1)
    ("192.0.2.0", Refused("192.0.2.0/24"), "first of Documentation (TEST-NET-1)"),
    ("192.0.2.255", Refused("192.0.2.0/24"), "last of Documentation (TEST-NET-1)"),
    ("192.0.1.255", Allowed, "one below Documentation (TEST-NET-1)"),
    ("192.0.3.0", Allowed, "one above Documentation (TEST-NET-1)"),
    // 192.31.196.0/24 AS112-v4
    ("192.31.196.0", Refused("192.31.196.0/24"), "first of AS112-v4"),
    ("192.31.196.255", Refused("192.31.196.0/24"), "last of AS112-v4"),
    ("192.31.195.255", Allowed, "one below AS112-v4"),
    ("192.31.197.0", Allowed, "one above AS112-v4"),
    // 192.52.193.0/24 AMT
    ("192.52.193.0", Refused("192.52.193.0/24"), "first of AMT"),
    ("192.52.193.255", Refused("192.52.193.0/24"), "last of AMT"),
    ("192.52.192.255", Allowed, "one below AMT"),
    ("192.52.194.0", Allowed, "one above AMT"),
    // 192.88.99.0/24 Deprecated (6to4 Relay Anycast)
    ("192.88.99.0", Refused("192.88.99.0/24"), "first of Deprecated (6to4 Relay Anycast)"),
    ("192.88.99.255", Refused("192.88.99.0/24"), "last of Deprecated (6to4 Relay Anycast)"),
    ("192.88.98.255", Allowed, "one below Deprecated (6to4 Relay Anycast)"),
    ("192.88.100.0", Allowed, "one above Deprecated (6to4 Relay Anycast)"),
    // 192.88.99.2/32 6a44-relay anycast address
    ("192.88.99.2", Refused("192.88.99.2/32"), "first of 6a44-relay anycast address"),
    ("192.88.99.2", Refused("192.88.99.2/32"), "last of 6a44-relay anycast address"),
    ("192.88.99.1", Refused("192.88.99.0/24"), "one below 6a44-relay anycast address"),
    ("192.88.99.3", Refused("192.88.99.0/24"), "one above 6a44-relay anycast address"),
    // 192.168.0.0/16 Private-Use
    ("192.168.0.0", Refused("192.168.0.0/16"), "first of Private-Use"),
    ("192.168.255.255", Refused("192.168.0.0/16"), "last of Private-Use"),
    ("192.167.255.255", Allowed, "one below Private-Use"),
    ("192.169.0.0", Allowed, "one above Private-Use"),
    // 192.175.48.0/24 Direct Delegation AS112 Service
    ("192.175.48.0", Refused("192.175.48.0/24"), "first of Direct Delegation AS112 Service"),
    ("192.175.48.255", Refused("192.175.48.0/24"), "last of Direct Delegation AS112 Service"),
    ("192.175.47.255", Allowed, "one below Direct Delegation AS112 Service"),
    ("192.175.49.0", Allowed, "one above Direct Delegation AS112 Service"),
    // 198.18.0.0/15 Benchmarking
    ("198.18.0.0", Refused("198.18.0.0/15"), "first of Benchmarking"),
    ("198.19.255.255", Refused("198.18.0.0/15"), "last of Benchmarking"),
    ("198.17.255.255", Allowed, "one below Benchmarking"),
    ("198.20.0.0", Allowed, "one above Benchmarking"),
    // 198.51.100.0/24 Documentation (TEST-NET-2)
    ("198.51.100.0", Refused("198.51.100.0/24"), "first of Documentation (TEST-NET-2)"),
    ("198.51.100.255", Refused("198.51.100.0/24"), "last of Documentation (TEST-NET-2)"),
    ("198.51.99.255", Allowed, "one below Documentation (TEST-NET-2)"),
    ("198.51.101.0", Allowed, "one above Documentation (TEST-NET-2)"),
    // 203.0.113.0/24 Documentation (TEST-NET-3)
    ("203.0.113.0", Refused("203.0.113.0/24"), "first of Documentation (TEST-NET-3)"),
    ("203.0.113.255", Refused("203.0.113.0/24"), "last of Documentation (TEST-NET-3)"),
    ("203.0.112.255", Allowed, "one below Documentation (TEST-NET-3)"),
    ("203.0.114.0", Allowed, "one above Documentation (TEST-NET-3)"),
    // 240.0.0.0/4 Reserved
    ("240.0.0.0", Refused("240.0.0.0/4"), "first of Reserved"),
    ("255.255.255.255", Refused("255.255.255.255/32"), "last of Reserved"),
    ("239.255.255.255", Refused("224.0.0.0/4"), "one below Reserved"),
    // 255.255.255.255/32 Limited Broadcast
    ("255.255.255.255", Refused("255.255.255.255/32"), "first of Limited Broadcast"),
    ("255.255.255.255", Refused("255.255.255.255/32"), "last of Limited Broadcast"),
    ("255.255.255.254", Refused("240.0.0.0/4"), "one below Limited Broadcast"),
    // ::1/128 Loopback Address
    ("::1", Refused("::1/128"), "first of Loopback Address"),
    ("::1", Refused("::1/128"), "last of Loopback Address"),
    ("::", Refused("::/128"), "one below Loopback Address"),
    ("::2", Refused("::/96"), "one above Loopback Address"),
    // ::/128 Unspecified Address
    ("::", Refused("::/128"), "first of Unspecified Address"),
    ("::", Refused("::/128"), "last of Unspecified Address"),
    ("::1", Refused("::1/128"), "one above Unspecified Address"),
    // ::ffff:0:0/96 IPv4-mapped Address
    ("::ffff:0:0", Refused("0.0.0.0/32"), "first of IPv4-mapped Address"),
    ("::ffff:ffff:ffff", Refused("255.255.255.255/32"), "last of IPv4-mapped Address"),
    ("::fffe:ffff:ffff", Allowed, "one below IPv4-mapped Address"),
    ("::1:0:0:0", Allowed, "one above IPv4-mapped Address"),
    // 64:ff9b::/96 IPv4-IPv6 Translat.
    ("64:ff9b::", Refused("64:ff9b::/96"), "first of IPv4-IPv6 Translat."),
    ("64:ff9b::ffff:ffff", Refused("64:ff9b::/96"), "last of IPv4-IPv6 Translat."),
    ("64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below IPv4-IPv6 Translat."),
    ("64:ff9b::1:0:0", Allowed, "one above IPv4-IPv6 Translat."),
    // 64:ff9b:1::/48 IPv4-IPv6 Translat.
    ("64:ff9b:1::", Refused("64:ff9b:1::/48"), "first of IPv4-IPv6 Translat."),
    ("64:ff9b:1:ffff:ffff:ffff:ffff:ffff", Refused("64:ff9b:1::/48"), "last of IPv4-IPv6 Translat."),
    ("64:ff9b:0:ffff:ffff:ffff:ffff:ffff", Allowed, "one below IPv4-IPv6 Translat."),
    ("64:ff9b:2::", Allowed, "one above IPv4-IPv6 Translat."),
    // 100::/64 Discard-Only Address Block
    ("100::", Refused("100::/64"), "first of Discard-Only Address Block"),
    ("100::ffff:ffff:ffff:ffff", Refused("100::/64"), "last of Discard-Only Address Block"),
    ("ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below Discard-Only Address Block"),
    ("100:0:0:1::", Refused("100:0:0:1::/64"), "one above Discard-Only Address Block"),
    // 100:0:0:1::/64 Dummy IPv6 Prefix
    ("100:0:0:1::", Refused("100:0:0:1::/64"), "first of Dummy IPv6 Prefix"),
    ("100::1:ffff:ffff:ffff:ffff", Refused("100:0:0:1::/64"), "last of Dummy IPv6 Prefix"),
    ("100::ffff:ffff:ffff:ffff", Refused("100::/64"), "one below Dummy IPv6 Prefix"),
    ("100:0:0:2::", Allowed, "one above Dummy IPv6 Prefix"),
    // 2001::/23 IETF Protocol Assignments
    ("2001::", Refused("2001::/32"), "first of IETF Protocol Assignments"),
    ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001::/23"), "last of IETF Protocol Assignments"),
    ("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below IETF Protocol Assignments"),
    ("2001:200::", Allowed, "one above IETF Protocol Assignments"),
    // 2001::/32 TEREDO
    ("2001::", Refused("2001::/32"), "first of TEREDO"),
    ("2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001::/32"), "last of TEREDO"),
    ("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below TEREDO"),
    ("2001:1::", Refused("2001::/23"), "one above TEREDO"),
    // 2001:1::1/128 Port Control Protocol Anycast
    ("2001:1::1", Refused("2001:1::1/128"), "first of Port Control Protocol Anycast"),
    ("2001:1::1", Refused("2001:1::1/128"), "last of Port Control Protocol Anycast"),
    ("2001:1::", Refused("2001::/23"), "one below Port Control Protocol Anycast"),
    ("2001:1::2", Refused("2001:1::2/128"), "one above Port Control Protocol Anycast"),
    // 2001:1::2/128 Traversal Using Relays around NAT Anycast
    ("2001:1::2", Refused("2001:1::2/128"), "first of Traversal Using Relays around NAT Anycast"),
    ("2001:1::2", Refused("2001:1::2/128"), "last of Traversal Using Relays around NAT Anycast"),
    ("2001:1::1", Refused("2001:1::1/128"), "one below Traversal Using Relays around NAT Anycast"),
    ("2001:1::3", Refused("2001:1::3/128"), "one above Traversal Using Relays around NAT Anycast"),
    // 2001:1::3/128 DNS-SD Service Registration Protocol Anycast
    ("2001:1::3", Refused("2001:1::3/128"), "first of DNS-SD Service Registration Protocol Anycast"),
    ("2001:1::3", Refused("2001:1::3/128"), "last of DNS-SD Service Registration Protocol Anycast"),
    ("2001:1::2", Refused("2001:1::2/128"), "one below DNS-SD Service Registration Protocol Anycast"),
    ("2001:1::4", Refused("2001::/23"), "one above DNS-SD Service Registration Protocol Anycast"),
    // 2001:2::/48 Benchmarking
    ("2001:2::", Refused("2001:2::/48"), "first of Benchmarking"),
    ("2001:2:0:ffff:ffff:ffff:ffff:ffff", Refused("2001:2::/48"), "last of Benchmarking"),
    ("2001:1:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001::/23"), "one below Benchmarking"),
    ("2001:2:1::", Refused("2001::/23"), "one above Benchmarking"),
    // 2001:3::/32 AMT
    ("2001:3::", Refused("2001:3::/32"), "first of AMT"),
    ("2001:3:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001:3::/32"), "last of AMT"),
    ("2001:2:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001::/23"), "one below AMT"),
    ("2001:4::", Refused("2001::/23"), "one above AMT"),
    // 2001:4:112::/48 AS112-v6
    ("2001:4:112::", Refused("2001:4:112::/48"), "first of AS112-v6"),
    ("2001:4:112:ffff:ffff:ffff:ffff:ffff", Refused("2001:4:112::/48"), "last of AS112-v6"),
    ("2001:4:111:ffff:ffff:ffff:ffff:ffff", Refused("2001::/23"), "one below AS112-v6"),
    ("2001:4:113::", Refused("2001::/23"), "one above AS112-v6"),
    // 2001:10::/28 Deprecated (previously ORCHID)
    ("2001:10::", Refused("2001:10::/28"), "first of Deprecated (previously ORCHID)"),
    ("2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001:10::/28"), "last of Deprecated (previously ORCHID)"),
    ("2001:f:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001::/23"), "one below Deprecated (previously ORCHID)"),
    ("2001:20::", Refused("2001:20::/28"), "one above Deprecated (previously ORCHID)"),
    // 2001:20::/28 ORCHIDv2
    ("2001:20::", Refused("2001:20::/28"), "first of ORCHIDv2"),
    ("2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001:20::/28"), "last of ORCHIDv2"),
    ("2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001:10::/28"), "one below ORCHIDv2"),
    ("2001:30::", Refused("2001:30::/28"), "one above ORCHIDv2"),
    // 2001:30::/28 Drone Remote ID Protocol Entity Tags (DETs) Prefix
    ("2001:30::", Refused("2001:30::/28"), "first of Drone Remote ID Protocol Entity Tags (DETs) Prefix"),
    ("2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001:30::/28"), "last of Drone Remote ID Protocol Entity Tags (DETs) Prefix"),
    ("2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001:20::/28"), "one below Drone Remote ID Protocol Entity Tags (DETs) Prefix"),
    ("2001:40::", Refused("2001::/23"), "one above Drone Remote ID Protocol Entity Tags (DETs) Prefix"),
    // 2001:db8::/32 Documentation
    ("2001:db8::", Refused("2001:db8::/32"), "first of Documentation"),
    ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2001:db8::/32"), "last of Documentation"),
    ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below Documentation"),
    ("2001:db9::", Allowed, "one above Documentation"),
    // 2002::/16 6to4
    ("2002::", Refused("2002::/16"), "first of 6to4"),
    ("2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("2002::/16"), "last of 6to4"),
    ("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below 6to4"),
    ("2003::", Allowed, "one above 6to4"),
    // 2620:4f:8000::/48 Direct Delegation AS112 Service
    ("2620:4f:8000::", Refused("2620:4f:8000::/48"), "first of Direct Delegation AS112 Service"),
    ("2620:4f:8000:ffff:ffff:ffff:ffff:ffff", Refused("2620:4f:8000::/48"), "last of Direct Delegation AS112 Service"),
    ("2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below Direct Delegation AS112 Service"),
    ("2620:4f:8001::", Allowed, "one above Direct Delegation AS112 Service"),
    // 3fff::/20 Documentation
    ("3fff::", Refused("3fff::/20"), "first of Documentation"),
    ("3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("3fff::/20"), "last of Documentation"),
    ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below Documentation"),
    ("3fff:1000::", Allowed, "one above Documentation"),
    // 5f00::/16 Segment Routing (SRv6) SIDs
    ("5f00::", Refused("5f00::/16"), "first of Segment Routing (SRv6) SIDs"),
    ("5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("5f00::/16"), "last of Segment Routing (SRv6) SIDs"),
    ("5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below Segment Routing (SRv6) SIDs"),
    ("5f01::", Allowed, "one above Segment Routing (SRv6) SIDs"),
    // fc00::/7 Unique-Local
    ("fc00::", Refused("fc00::/7"), "first of Unique-Local"),
    ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("fc00::/7"), "last of Unique-Local"),
    ("fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below Unique-Local"),
    ("fe00::", Allowed, "one above Unique-Local"),
    // fe80::/10 Link-Local Unicast
    ("fe80::", Refused("fe80::/10"), "first of Link-Local Unicast"),
    ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("fe80::/10"), "last of Link-Local Unicast"),
    ("fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Allowed, "one below Link-Local Unicast"),
    ("fec0::", Refused("fec0::/10"), "one above Link-Local Unicast"),
    // 224.0.0.0/4 Multicast
    ("224.0.0.0", Refused("224.0.0.0/4"), "first of Multicast"),
    ("239.255.255.255", Refused("224.0.0.0/4"), "last of Multicast"),
    ("223.255.255.255", Allowed, "one below Multicast"),
    ("240.0.0.0", Refused("240.0.0.0/4"), "one above Multicast"),
    // 168.63.129.16/32 Azure metadata
    ("168.63.129.16", Refused("168.63.129.16/32"), "first of Azure metadata"),
    ("168.63.129.16", Refused("168.63.129.16/32"), "last of Azure metadata"),
    ("168.63.129.15", Allowed, "one below Azure metadata"),
    ("168.63.129.17", Allowed, "one above Azure metadata"),
    // ff00::/8 Multicast
    ("ff00::", Refused("ff00::/8"), "first of Multicast"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("ff00::/8"), "last of Multicast"),
    ("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("fec0::/10"), "one below Multicast"),
    // fec0::/10 Site-local
    ("fec0::", Refused("fec0::/10"), "first of Site-local"),
    ("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("fec0::/10"), "last of Site-local"),
    ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Refused("fe80::/10"), "one below Site-local"),
    ("ff00::", Refused("ff00::/8"), "one above Site-local"),
    // ::/96 IPv4-compatible
    ("::", Refused("::/128"), "first of IPv4-compatible"),
    ("::ffff:ffff", Refused("::/96"), "last of IPv4-compatible"),
    ("::1:0:0", Allowed, "one above IPv4-compatible"),
    // fd00:ec2::254/128 AWS metadata
    ("fd00:ec2::254", Refused("fd00:ec2::254/128"), "first of AWS metadata"),
    ("fd00:ec2::254", Refused("fd00:ec2::254/128"), "last of AWS metadata"),
    ("fd00:ec2::253", Refused("fc00::/7"), "one below AWS metadata"),
    ("fd00:ec2::255", Refused("fc00::/7"), "one above AWS metadata"),
    // fd20:ce::254/128 Google Cloud metadata
    ("fd20:ce::254", Refused("fd20:ce::254/128"), "first of Google Cloud metadata"),
    ("fd20:ce::254", Refused("fd20:ce::254/128"), "last of Google Cloud metadata"),
    ("fd20:ce::253", Refused("fc00::/7"), "one below Google Cloud metadata"),
    ("fd20:ce::255", Refused("fc00::/7"), "one above Google Cloud metadata"),];
