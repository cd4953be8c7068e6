//! `port-checker verify` and `check` of UDP ports on one machine.

use std::{
    net::UdpSocket,
    process::{Command, Output},
};

use port_checker_testbed::{
    datagrams::{Answering, unused},
    namespace::Namespace,
    ports::LOOPBACK,
    process::{Running, Service},
    skip,
};
use serde_json::Value;

use crate::program::{PORT_CHECKER, configure, port_checker};

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// Runs a command in a namespace, with the usual soft limit as the hard one.
fn limited(network: &Namespace, arguments: &str) -> (Option<i32>, String, String) {
    let mut command = network.command("prlimit", &["--nofile=1024:1024", PORT_CHECKER]);
    configure(command.args(arguments.split_whitespace()), &[]);
    output(&mut command)
}

#[test]
fn both_transports_of_one_number_are_two_ports() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let (status, text, complaint) =
        limited(&network, "verify 7466,7466/udp 50800-50809/udp 53/tcp --local");
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{text}");
    for line in ["  53, 7466                    ", "  7466/udp, 50800-50809/udp   "] {
        let line = format!("{}  reachable, proven ours\n", line.trim_end());
        let flowing = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(flowing(&text).matches(&flowing(&line)).count(), 2, "{line}: {text}");
    }
    assert!(text.contains("IPv4: 13 of 13 ports usable here."), "{text}");
    let (status, text, _) = limited(&network, "verify 7466 7466/udp --local --json");
    assert_eq!(status, Some(0), "{text}");
    let document: Value = serde_json::from_str(&text).expect("one JSON document");
    for family in document["families"].as_array().expect("families") {
        let ports = family["ports"].as_array().expect("ports");
        let ports: Vec<_> = ports
            .iter()
            .map(|port| {
                (port["port"].as_u64(), port["transport"].as_str(), port["verdict"].as_str())
            })
            .collect();
        let proven = |transport| (Some(7466), Some(transport), Some("proven"));
        assert_eq!(ports, [proven("tcp"), proven("udp")]);
    }
}

#[test]
fn two_thousand_ports_of_both_families_within_a_thousand_descriptors() {
    if !skip::is_root() {
        return;
    }
    let (status, text, complaint) =
        limited(&Namespace::new(), "verify 20000-21999/udp 20000 --local");
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{text}");
    assert_eq!(text.matches("  20000-21999/udp  reachable, proven ours\n").count(), 2, "{text}");
}

#[test]
fn a_port_of_another_program_is_answered_beside_it_or_gets_no_verdict() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let _held = network.within(|| UdpSocket::bind("[::]:51820").expect("a free port"));
    let verify = ["verify", "51820/udp", "--local"];
    let (status, text, complaint) = output(&mut network.command(PORT_CHECKER, &verify));
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{text}");
    assert_eq!(text.matches("51820/udp  reachable, proven ours; ").count(), 2, "{text}");

    let without = ["--bounding-set=-net_raw", "--inh-caps=-net_raw", "--", PORT_CHECKER];
    let mut command = network.command("setpriv", &without);
    let (status, text, complaint) = output(command.args(verify));
    assert_eq!((status, complaint.as_str()), (Some(3), ""), "{text}");
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flowing.matches("51820/udp no verdict; ").count(), 2, "{text}");
    assert!(flowing.contains("Run this as root (sudo), or permit the program"), "{text}");
    assert!(!flowing.contains("No checker"), "nobody was asked: {text}");
}

#[test]
fn over_udp_nobody_asks_about_another_address() {
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_RETRIES", "1")];
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    let url = format!("http://{}", service.address);
    let answering = Answering::with(LOOPBACK, "correct horse battery staple");
    let (answering, unused) = (answering.port(), unused(1)[0]);
    let check = |ip: &str, port: &str| {
        output(&mut port_checker(&["check", ip, port, "--server", &url], &[]))
    };
    let (status, text, complaint) = check("127.0.0.9", "1-500/udp");
    assert_eq!((status, complaint.as_str()), (Some(3), ""), "{text}");
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = format!(
        "{url} was not asked about UDP ports of 127.0.0.9: it sees this machine at 127.0.0.1, and over UDP a checker \
         judges only the address from which it is asked. Run verify on the machine itself."
    );
    assert!(flowing.contains(&why), "{text}");
    let (status, text, _) = check("127.0.0.1", &format!("{unused}/udp"));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains(&format!("  {unused}/udp  refused\n")), "{text}");
    let (status, text, _) = check("127.0.0.1", &format!("{answering}/udp"));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("another challenge than this"), "{text}");
    service.wait_for_line("checked");
}

/// The Python service passes over fields that it does not know, and would check TCP.
#[test]
fn a_checker_that_knows_no_udp_gives_no_verdict_about_it() {
    let Some((_python, address)) = Running::python_service() else { return };
    let url = format!("http://{address}");
    let port = unused(1)[0];
    let arguments =
        ["verify", &format!("{port},{port}/udp"), "--server", &url, "--ip=127.0.0.1", "--local"];
    let (status, text, complaint) = output(&mut port_checker(&arguments, &[]));
    assert_eq!((status, complaint.as_str()), (Some(3), ""), "{text}");
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains(&format!("{port} reachable, and it arrived here")), "{text}");
    assert!(flowing.contains(&format!("{port}/udp no verdict")), "{text}");
    assert!(flowing.contains(&format!("{url} does not check UDP")), "{text}");
}

#[test]
fn ports_that_cannot_be_verified() {
    let rows = [
        ("80/sctp", "'80/sctp' is neither a port from 1 to 65535 nor a range"),
        ("51820/udp/tcp", "'51820/udp/tcp' is neither a port from 1 to 65535 nor a range"),
        ("/udp", "'/udp' is neither a port from 1 to 65535 nor a range"),
        ("51820/", "'51820/' is neither a port from 1 to 65535 nor a range"),
        ("0/udp", "'0/udp' is neither a port from 1 to 65535 nor a range"),
        ("1-70000/udp", "'1-70000/udp' is neither a port from 1 to 65535 nor a range"),
        ("9-8/udp", "'9-8/udp' is neither a port from 1 to 65535 nor a range"),
    ];
    for (arguments, expected) in rows {
        let arguments: Vec<_> = ["verify"].into_iter().chain(arguments.split(' ')).collect();
        let (status, _, complaint) = output(&mut port_checker(&arguments, &[]));
        assert_eq!(status, Some(2), "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
    }
}
