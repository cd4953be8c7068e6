//! This machine as the kernel of a namespace knows it.

use port_checker_api::subscriber;
use port_checker_testbed::{
    namespace::{self, Namespace},
    skip,
};

use super::*;

#[test]
fn temporary_addresses_are_marked_in_the_table_of_the_kernel() {
    let cases = [
        (
            "20010db800010000a1b2c3d4e5f60718 02 40 00 01    eth0",
            Some("2001:db8:1:0:a1b2:c3d4:e5f6:718"),
            "temporary",
        ),
        ("20010db8000100000000000000000010 02 40 00 80    eth0", None, "permanent"),
        (
            "20010db800010000a1b2c3d4e5f60718 02 40 00 21    eth0",
            Some("2001:db8:1:0:a1b2:c3d4:e5f6:718"),
            "deprecated too",
        ),
        ("nonsense", None, "no table"),
    ];
    for (line, expected, why) in cases {
        let expected = expected.map(|ip| ip.parse().unwrap());
        assert_eq!(temporary_address(line), expected, "{why}");
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Of several default routes the kernel uses the one with the lowest metric.
#[test]
fn the_gateway_is_that_of_the_preferred_default_route() {
    let route = |destination: &str, mask: &str, gateway: &str, metrics: u32| RouteEntry {
        iface: "eth0".to_owned(),
        destination: destination.parse().unwrap(),
        gateway: gateway.parse().unwrap(),
        flags: 3,
        refcnt: 0,
        in_use: 0,
        metrics,
        mask: mask.parse().unwrap(),
        mtu: 0,
        window: 0,
        irtt: 0,
    };
    let routes = vec![
        route("0.0.0.0", "0.0.0.0", "192.168.1.3", 300),
        route("0.0.0.0", "0.0.0.0", "192.168.1.1", 100),
        route("0.0.0.0", "0.0.0.0", "192.168.1.2", 200),
        route("198.51.100.0", "255.255.255.0", "192.168.1.9", 1),
        route("0.0.0.0", "128.0.0.0", "10.8.0.1", 2),
        route("0.0.0.0", "0.0.0.0", "0.0.0.0", 3),
    ];
    assert_eq!(default_gateway(routes), Some(ip("192.168.1.1")));
    assert_eq!(default_gateway(vec![]), None);
}

/// A machine with a router, a TUN device, a TAP device, and addresses of IPv6.
#[test]
fn addresses_and_routes_are_those_of_the_kernel() {
    if !skip::is_root() {
        return;
    }
    if !namespace::is_within() {
        let (machine, router) = (Namespace::new(), Namespace::new());
        machine.sysctl("net.ipv6.conf.default.use_tempaddr=2");
        machine.cable(&["192.168.1.10/24", "2001:db8::10/64"], &router, &["192.168.1.1/24"]);
        machine.ip(&["route", "add", "default", "via", "192.168.1.1"]);
        add_device(&machine, "tun", "10.8.0.2/24", "198.51.100.0/24");
        add_device(&machine, "tap", "10.9.0.2/24", "203.0.113.128/25");
        let near = machine.interface_with("192.168.1.10");
        let managed = ["nodad", "mngtmpaddr"];
        machine.ip(&[&["address", "add", "2001:db8:9::9/64", "dev", &near], &managed[..]].concat());
        return machine.run_test("host::tests::addresses_and_routes_are_those_of_the_kernel");
    }
    let v4 = Host::read(Family::Ipv4);
    assert_eq!(v4.addresses, ["127.0.0.1", "192.168.1.10", "10.8.0.2", "10.9.0.2"].map(ip));
    assert_eq!((v4.gateway, v4.temporary.len()), (Some(ip("192.168.1.1")), 0));
    let cases = [
        (Some("203.0.113.7"), Some("192.168.1.10"), None, "through the router"),
        (Some("198.51.100.7"), Some("10.8.0.2"), Some("tun0"), "through a tunnel"),
        (Some("203.0.113.200"), Some("10.9.0.2"), None, "a TAP device is a network"),
        (None, None, None, "nobody sees this machine"),
    ];
    for (seen, outbound, tunnel, why) in cases {
        let host = v4.clone().towards(seen.map(ip));
        let expected =
            Host { outbound: outbound.map(ip), tunnel: tunnel.map(str::to_owned), ..v4.clone() };
        assert_eq!(host, expected, "{why}");
    }

    let v6 = Host::read(Family::Ipv6);
    let [temporary] = v6.temporary[..] else { panic!("one temporary address: {v6:?}") };
    let of_the_network = subscriber(ip("2001:db8:9::9"));
    assert_eq!(subscriber(temporary), of_the_network);
    for address in [ip("::1"), ip("2001:db8::10"), ip("2001:db8:9::9"), temporary] {
        assert!(v6.addresses.contains(&address), "{address} in {v6:?}");
    }
    assert!(v6.addresses.iter().all(IpAddr::is_ipv6), "{v6:?}");
    assert_eq!(v6.gateway, None, "known for IPv4 only");
}

/// Adds a device of a kind, such as `tun`, with an address and a network behind it.
fn add_device(machine: &Namespace, kind: &str, address: &str, network: &str) {
    let name = format!("{kind}0");
    machine.ip(&["tuntap", "add", "dev", &name, "mode", kind]);
    machine.ip(&["address", "add", address, "dev", &name]);
    machine.ip(&["link", "set", &name, "up"]);
    machine.ip(&["route", "add", network, "dev", &name]);
}
