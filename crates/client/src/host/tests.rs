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
        machine.ip(&[
            "address",
            "add",
            "198.18.0.9/31",
            "dev",
            &machine.interface_with("192.168.1.10"),
        ]);
        add_device(&machine, "tap", "10.9.0.2/24", "203.0.113.128/25");
        let near = machine.interface_with("192.168.1.10");
        let managed = ["nodad", "mngtmpaddr"];
        machine.ip(&[&["address", "add", "2001:db8:9::9/64", "dev", &near], &managed[..]].concat());
        return machine.run_test("host::tests::addresses_and_routes_are_those_of_the_kernel");
    }
    let v4 = Host::read(Family::Ipv4);
    assert_eq!(
        v4.addresses,
        ["127.0.0.1", "192.168.1.10", "198.18.0.9", "10.8.0.2", "10.9.0.2"].map(ip)
    );
    assert_eq!((v4.gateway, v4.temporary.len()), (Some(ip("192.168.1.1")), 0));
    assert_eq!(v4.networks, ["10.9.0.0/24", "192.168.1.0/24"].map(|text| text.parse().unwrap()));
    let cases = [
        (Some("203.0.113.7"), Some("192.168.1.10"), None, "through the router"),
        (Some("198.51.100.7"), Some("10.8.0.2"), Some("tun0"), "through a tunnel"),
        (Some("203.0.113.200"), Some("10.9.0.2"), None, "a TAP device is a network"),
        (None, None, None, "nobody sees this machine"),
    ];
    for (seen, outbound, tunnel, why) in cases {
        let host = v4.clone().towards(seen.map(ip));
        let point_to_point = tunnel.map(|interface| PointToPoint {
            interface: interface.to_owned(),
            kind: PointToPointKind::Tunnel,
        });
        let expected = Host { outbound: outbound.map(ip), point_to_point, ..v4.clone() };
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
    for network in ["2001:db8::/64", "2001:db8:9::/64"] {
        assert!(v6.networks.contains(&network.parse().unwrap()), "{network} in {v6:?}");
    }
    let elsewhere = ["::1", "2001:db8:1::1"].map(ip);
    assert!(elsewhere.iter().all(|ip| v6.network_with(&[*ip]).is_none()), "{v6:?}");
}

/// Adds a device of a kind, such as `tun`, with an address and a network behind it.
fn add_device(machine: &Namespace, kind: &str, address: &str, network: &str) {
    let name = format!("{kind}0");
    machine.ip(&["tuntap", "add", "dev", &name, "mode", kind]);
    machine.ip(&["address", "add", address, "dev", &name]);
    machine.ip(&["link", "set", &name, "up"]);
    machine.ip(&["route", "add", network, "dev", &name]);
}

#[test]
fn a_network_has_room_for_neighbours() {
    let cases = [
        ("203.0.113.9", "255.255.255.0", Some("203.0.113.0/24"), "a network"),
        ("203.0.113.9", "255.255.255.252", Some("203.0.113.8/30"), "the smallest"),
        ("203.0.113.9", "255.255.255.254", None, "a line (RFC 3021)"),
        ("203.0.113.9", "255.255.255.255", None, "one address"),
        ("203.0.113.9", "0.0.0.0", None, "everything"),
        ("203.0.113.9", "255.0.255.0", None, "no prefix"),
        ("2001:db8::9", "ffff:ffff:ffff:ffff::", Some("2001:db8::/64"), "a network"),
        ("2001:db8::9", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", None, "a line (RFC 6164)"),
        ("2001:db8::9", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, "one address"),
        ("2001:db8::9", "255.255.255.0", None, "the mask of another family"),
    ];
    for (address, mask, expected, why) in cases {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(interfaces::shared_network(ip(address), ip(mask)), expected, "{address}: {why}");
    }
}

/// The kernels that tests run on may have neither PPP nor modems: their directories look so, see
/// `drivers/net/ppp`, `drivers/net/wwan` and `drivers/net/usb` of Linux.
#[test]
fn the_kind_of_a_line_is_that_of_its_directory() {
    use PointToPointKind::{Modem, Ppp, Tunnel};
    let cases = [
        ("eth0", "1", "INTERFACE=eth0", None, "a cable"),
        ("wlan0", "1", "DEVTYPE=wlan", None, "a wireless network"),
        ("tap0", "1", "INTERFACE=tap0", None, "a TAP device"),
        ("ppp0", "512", "DEVTYPE=ppp", Some(Ppp), "PPPoE, or a VPN"),
        ("vpn", "512", "", Some(Ppp), "whatever its name"),
        ("wwan0", "65534", "DEVTYPE=wwan", Some(Modem), "a modem without link layer"),
        ("wwp0s20u4", "1", "DEVTYPE=wwan", Some(Modem), "one that looks like Ethernet"),
        ("rmnet_data0", "519", "", Some(Modem), "one of a phone"),
        ("wwan0", "65534", "", Some(Modem), "likely, by its name"),
        ("wwan0", "1", "", None, "Ethernet by another name"),
        ("tun0", "65534", "INTERFACE=tun0", Some(Tunnel), "TUN"),
        ("wg0", "65534", "DEVTYPE=wireguard", Some(Tunnel), "WireGuard"),
        ("ppp0", "65534", "INTERFACE=ppp0", Some(Tunnel), "a TUN device of that name"),
        ("tunl0", "768", "", Some(Tunnel), "IP in IP"),
        ("sit0", "776", "", Some(Tunnel), "IPv6 in IPv4"),
        ("gre0", "778", "", Some(Tunnel), "GRE"),
        ("eth1", "", "", None, "nothing is known"),
    ];
    for (name, kind, facts, expected, why) in cases {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("type"), format!("{kind}\n")).unwrap();
        fs::write(directory.path().join("uevent"), format!("{facts}\nIFINDEX=7\n")).unwrap();
        assert_eq!(point_to_point(directory.path(), name), expected, "{name}: {why}");
    }
    assert_eq!(point_to_point(Path::new("/nonexistent"), "eth0"), None);
}

#[test]
fn a_container_is_known_by_an_interface_without_hardware_and_a_gateway_of_bridges() {
    let directory = tempfile::tempdir().unwrap();
    let interface = directory.path();
    let write = |facts: &str| fs::write(interface.join("uevent"), facts).unwrap();
    for (kind, expected) in [("", true), ("DEVTYPE=macvlan\n", false), ("DEVTYPE=bond\n", false)] {
        write(kind);
        assert_eq!(uplink::has_no_hardware(interface), expected, "{kind}");
    }
    fs::create_dir(interface.join("device")).unwrap();
    write("");
    assert!(!uplink::has_no_hardware(interface), "a card");
    assert!(!uplink::has_no_hardware(Path::new("/nonexistent")), "nothing is known");

    let cases = [
        ("172.17.0.1", true, "Docker"),
        ("172.31.0.1", true, "a network of Compose"),
        ("10.88.0.1", true, "Podman"),
        ("10.89.0.1", true, "a network of Podman"),
        ("172.32.0.1", false, "beyond"),
        ("192.168.1.1", false, "a home"),
        ("fe80::1", false, "IPv6 is not translated"),
    ];
    for (gateway, expected, why) in cases {
        assert_eq!(container::is_bridge(ip(gateway)), expected, "{why}");
    }
}

/// WireGuard as the kernel makes it, where it knows it.
#[test]
fn a_device_of_wireguard_is_a_tunnel() {
    if !skip::is_root() {
        return;
    }
    if namespace::is_within() {
        let host = Host::read(Family::Ipv4).towards(Some(ip("203.0.113.7")));
        let kind = PointToPointKind::Tunnel;
        assert_eq!(host.point_to_point, Some(PointToPoint { interface: "wg0".to_owned(), kind }));
        assert!(host.networks.is_empty(), "{host:?}");
        return;
    }
    let machine = Namespace::new();
    let made = machine.command("ip", &["link", "add", "wg0", "type", "wireguard"]).output();
    if !made.unwrap().status.success() {
        return skip::say("a kernel with WireGuard");
    }
    machine.ip(&["address", "add", "10.8.0.2/24", "dev", "wg0"]);
    machine.ip(&["link", "set", "wg0", "up"]);
    machine.ip(&["route", "add", "default", "dev", "wg0"]);
    machine.run_test("host::tests::a_device_of_wireguard_is_a_tunnel");
}
