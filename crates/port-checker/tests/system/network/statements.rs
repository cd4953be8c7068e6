//! A provider behind a router proves its ports to two checkers, one of them far away, and a requestor believes it.

use std::fmt::Write;

use port_checker_testbed::{namespace::Namespace, skip};

use crate::attestation::{desk::Desk, recipes::PROVIDER};

use super::internet::{
    CHECKER, Internet, OTHER_CHECKER, attach, machine, masquerading_router, serve_with,
};

/// The address of the router, which is that of the provider for everybody outside.
const ADDRESS: &str = "203.0.113.7";

const NONCE: &str = "4f1c22d0";

/// The rules of the router, with which one machine has the ports.
fn forward_to(machine: &str) -> String {
    format!(
        "
table ip forwards {{}}
flush table ip forwards
table ip forwards {{
    chain prerouting {{
        type nat hook prerouting priority dstnat
        ip daddr {ADDRESS} tcp dport 50800-50899 dnat to {machine}
        ip daddr {ADDRESS} udp dport 51820-51829 dnat to {machine}
    }}
}}
"
    )
}

/// Has both checkers sign, each with a separate challenge, which the key in the file `key` signs.
fn prove(desk: &Desk, machine: &Namespace) -> Vec<String> {
    let script = format!(
        "for checker in {CHECKER} {OTHER_CHECKER}; do
            challenge=$(python3 provider_key.py $checker {ADDRESS} {NONCE} <key)
            port-checker verify 50800-50899 51820-51829/udp --server $checker --no-router --family 4 \
                --attest proofs --nonce {NONCE} --challenge \"$challenge\" >&2 || exit
            cat proofs
        done"
    );
    let ended = desk.shell(machine, &script);
    assert_eq!(ended.status, Some(0), "{}", ended.complaints);
    let sentence = "2 signed statements of 1 of 1 checker, kept in proofs.";
    assert_eq!(ended.complaints.matches(sentence).count(), 2, "{}", ended.complaints);
    ended.printed.lines().map(str::to_owned).collect()
}

#[test]
fn a_hundred_tcp_and_ten_udp_ports_are_proven_and_those_of_another_machine_are_not() {
    if !skip::is_root() {
        return;
    }
    let Some(desk) = Desk::with_programs() else { return };
    let internet = Internet::new();
    let (router, provider, other) = (masquerading_router(), machine(), machine());
    attach(&router, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
    attach(&other, &["192.168.2.20/24"], &router, &["192.168.2.1/24"]);
    let sign = |machine, issuer, name| {
        let file = desk.write_keys(name);
        let arguments = ["--issuer", issuer, "--signing-key", &file, "--clock-check", "false"];
        serve_with(machine, &arguments)
    };
    let _checkers = [
        sign(&internet.checker, CHECKER, "one"),
        sign(&internet.other_checker, OTHER_CHECKER, "two"),
    ];

    router.firewall(&forward_to("192.168.1.10"));
    desk.write("key", PROVIDER.0);
    let issuers = [format!("{CHECKER}=one.json"), format!("{OTHER_CHECKER}=two.json")];
    let expected = ["--ip", ADDRESS, "--nonce", NONCE, "--quorum", "2", "--provider", PROVIDER.1];
    let expected = [&expected[..], &[&issuers[0], &issuers[1]]].concat();
    let statements = prove(&desk, &provider);
    let ended = desk.request(&expected, &statements);
    let mut ports = String::new();
    for port in 50800..50900 {
        writeln!(ports, "{port}/tcp").expect("a text");
    }
    for port in 51820..51830 {
        writeln!(ports, "{port}/udp").expect("a text");
    }
    assert_eq!((ended.status, ended.printed), (Some(0), ports), "{}", ended.complaints);
    let one_checker = desk.request(&expected, &statements[..2]);
    assert_eq!((one_checker.status, &*one_checker.printed), (Some(1), ""), "one of two");

    // Another machine gets the address, and can prove it, but not in the name of the provider.
    router.firewall(&forward_to("192.168.2.20"));
    desk.write("key", &format!("0x{}", "47".repeat(32)));
    let statements = prove(&desk, &other);
    let ended = desk.request(&expected, &statements);
    assert_eq!((ended.status, &*ended.printed), (Some(1), ""), "{}", ended.complaints);
    let refused = "its challenge is not a signature of the provider";
    assert_eq!(ended.complaints.matches(refused).count(), 4, "{}", ended.complaints);
}
