//! Which targets the policy admits. On the policy alone: no packet is sent.

mod edges;
mod iana;

use std::net::IpAddr;

use edges::{EDGES, Expected};
use port_checker_probe::{Policy, Port, PortRanges, Refusal, Targets};

const CALLER: &str = "8.8.8.8";

#[test]
fn the_edges_of_every_prefix() {
    for (address, expected, why) in EDGES {
        let judged = vet(&Policy::default(), address);
        match (expected, judged) {
            (Expected::Allowed, judged) => assert_eq!(judged, Ok(()), "{address}: {why}"),
            (Expected::Refused(prefix), Err(Refusal::SpecialPurpose { purpose, .. })) => {
                assert_eq!(purpose.prefix.to_string(), *prefix, "{address}: {why}");
            }
            (Expected::Refused(_), judged) => panic!("{address}: {why}: {judged:?}"),
        }
    }
}

#[test]
fn mapped_addresses_are_judged_as_the_address_inside() {
    let cases = [
        ("::ffff:8.8.8.8", true, "a public address in IPv6 clothes"),
        ("::ffff:10.0.0.1", false, "a private one"),
        ("::ffff:127.0.0.1", false, "loopback"),
        ("::ffff:169.254.169.254", false, "cloud metadata"),
        ("::ffff:0:0", false, "the unspecified address"),
    ];
    for (address, allowed, why) in cases {
        assert_eq!(vet(&Policy::default(), address).is_ok(), allowed, "{why}");
    }
    let target = Policy::default().vet(ip(CALLER), ip("::ffff:8.8.8.8"), ports(&[80])).unwrap();
    assert_eq!(target.address(), ip("8.8.8.8"), "and dialled as it");
}

#[test]
fn local_addresses_are_admitted_by_their_setting_and_others_are_not() {
    let policy = Policy { allow_local: true, ..Policy::default() };
    let cases = [
        ("127.0.0.1", true, "loopback"),
        ("::1", true, "loopback"),
        ("::ffff:127.0.0.1", true, "loopback, mapped"),
        ("10.255.255.255", true, "private use"),
        ("172.31.0.1", true, "private use"),
        ("192.168.1.1", true, "private use"),
        ("fd12:3456::1", true, "unique local"),
        ("8.8.8.8", true, "public"),
        ("100.64.0.1", false, "a carrier's, not ours"),
        ("169.254.169.254", false, "cloud metadata is link local"),
        ("fd00:ec2::254", false, "cloud metadata within unique local space"),
        ("fd20:ce::254", false, "cloud metadata within unique local space"),
        ("168.63.129.16", false, "cloud metadata"),
        ("fe80::1", false, "link local"),
        ("0.0.0.0", false, "would reach this host"),
        ("::", false, "would reach this host"),
        ("224.0.0.1", false, "multicast"),
        ("192.0.2.1", false, "documentation"),
    ];
    for (address, allowed, why) in cases {
        assert_eq!(vet(&policy, address).is_ok(), allowed, "{address}: {why}");
    }
}

#[test]
fn denied_beats_allowed_beats_special_purpose() {
    let policy = Policy {
        allowed: vec!["198.18.0.0/15".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        denied: vec!["198.18.7.0/24".parse().unwrap(), "9.9.9.9/32".parse().unwrap()],
        ..Policy::default()
    };
    let cases = [
        ("198.18.0.1", true, "allowed although for benchmarking"),
        ("2001:db8::1", true, "allowed although for documentation"),
        ("198.18.7.1", false, "denied within an allowed prefix"),
        ("9.9.9.9", false, "denied although public"),
        ("::ffff:9.9.9.9", false, "denied, mapped"),
        ("9.9.9.10", true, "allowing some does not forbid others"),
        ("198.51.100.1", false, "special-purpose and not allowed"),
    ];
    for (address, allowed, why) in cases {
        assert_eq!(vet(&policy, address).is_ok(), allowed, "{address}: {why}");
    }
}

#[test]
fn whose_addresses_each_mode_admits() {
    let deny = vec!["9.9.9.0/24".parse().unwrap()];
    let cases = [
        (Targets::Public, "1.1.1.1", true, "anybody's"),
        (Targets::Public, CALLER, true, "one's own"),
        (Targets::Caller, CALLER, true, "one's own"),
        (Targets::Caller, "::ffff:8.8.8.8", true, "one's own, mapped"),
        (Targets::Caller, "1.1.1.1", false, "somebody else's"),
        (Targets::Any, "169.254.169.254", true, "no policy at all"),
        (Targets::Any, "9.9.9.9", false, "but an explicit denial holds"),
    ];
    for (targets, address, allowed, why) in cases {
        let policy = Policy { targets, denied: deny.clone(), ..Policy::default() };
        assert_eq!(vet(&policy, address).is_ok(), allowed, "{targets:?} {address}: {why}");
    }
}

#[test]
fn the_callers_own_address_is_not_exempt() {
    for targets in [Targets::Public, Targets::Caller] {
        let policy = Policy { targets, ..Policy::default() };
        for own in ["127.0.0.1", "10.1.2.3", "::1", "fe80::1"] {
            let judged = policy.vet(ip(own), ip(own), ports(&[80])).map(drop);
            assert!(matches!(judged, Err(Refusal::SpecialPurpose { .. })), "{targets:?} {own}");
        }
    }
}

#[test]
fn ports_outside_the_allowed_ones_are_named() {
    let policy =
        Policy { ports: "80,1024-65535".parse::<PortRanges>().unwrap(), ..Policy::default() };
    let vet = |asked: &[u16]| policy.vet(ip(CALLER), ip(CALLER), ports(asked)).map(drop);
    assert_eq!(vet(&[80, 1024, 65_535]), Ok(()));
    assert_eq!(vet(&[]), Ok(()));
    let refusal = vet(&[80, 25, 22]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "port 25 is not among the ports this checker dials: 80,1024-65535"
    );
}

#[test]
fn repeated_ports_are_kept_once_in_the_order_asked() {
    let target = Policy::default().vet(ip(CALLER), ip(CALLER), ports(&[9, 7, 9, 8, 7])).unwrap();
    assert_eq!(target.ports(), ports(&[9, 7, 8]));
}

fn vet(policy: &Policy, address: &str) -> Result<(), Refusal> {
    policy.vet(ip(CALLER), ip(address), ports(&[80])).map(drop)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn ports(numbers: &[u16]) -> Vec<Port> {
    numbers.iter().map(|&number| Port::new(number).expect("not 0")).collect()
}
