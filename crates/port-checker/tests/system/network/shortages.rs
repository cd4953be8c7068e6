//! A checker that runs short of something is right or says so; it is never wrong.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use port_checker_testbed::{
    http::{Answer, check_ports, connect, exchange, metric, read_answer},
    namespace::Namespace,
    process::Service,
    skip,
};
use serde_json::{Value, json};

use crate::program::{PORT_CHECKER, configure, port_checker};

use super::internet::{CHECKER, Internet, Report};

const SETTINGS: [(&str, &str); 5] = [
    ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
    ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
    ("PORT_CHECK_MAX_PORTS", "65535"),
    ("PORT_CHECK_RETRIES", "1"),
];

#[test]
fn sixty_four_descriptors_and_five_thousand_ports() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let mut command = network.command("prlimit", &["--nofile=64:64", PORT_CHECKER, "serve"]);
    configure(&mut command, &SETTINGS);
    let service = Service::start(&mut command);
    let open: Vec<u16> = (1..=5000).step_by(7).collect();
    let _listeners: Vec<TcpListener> =
        network.within(|| open.iter().map(|&port| listen(port)).collect());
    let ports: Vec<u16> = (1..=5000).collect();
    let address = service.address;
    let body = json!({"provider_ip": "127.0.0.1", "ports": ports}).to_string();
    let answer = network.within(|| check_ports(address, &body));
    assert_right_or_failed(&answer, |port| open.contains(&port));
    assert_eq!(answer.status, 200, "the bound is kept, so that nothing is short: {answer:?}");
}

/// Descriptors run out altogether, and come back.
#[test]
fn no_descriptor_left_for_anything() {
    if !skip::is_root() {
        return;
    }
    let mut command = port_checker(&["serve"], &SETTINGS);
    let mut service = Service::start(&mut command);
    let mut client = connect(service.address);
    assert_eq!(ready(&mut client).status, 200);
    service.limit_descriptors("3:");
    let answer = ready(&mut client);
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
    let mut waiting = connect(service.address);
    service.wait_for_line("cannot accept connections");
    let body = r#"{"provider_ip":"127.0.0.1","ports":[80]}"#;
    let answer = exchange(&mut client, "", body).expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
    service.limit_descriptors("1024:");
    assert_eq!(exchange(&mut waiting, "", body).expect("an answer").status, 200);
}

/// A thousand addresses can share fifty local ports, for each connection has two ends. A hundred
/// connections to one address cannot: those just closed are not free again for a while.
#[test]
fn fifty_local_ports_and_a_thousand_targets() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let mut command = network.command(PORT_CHECKER, &["serve"]);
    configure(&mut command, &SETTINGS);
    let service = Service::start(&mut command);
    network.within(accept_on_port_80);
    let address = service.address;
    let mut client = network.within(|| connect(address));
    network.sysctl("net.ipv4.ip_local_port_range=20000 20049");
    let many = (0..1_000).map(|n| format!("127.1.{}.{}", n / 250, n % 250 + 1));
    let one = (0..100).map(|_| "127.0.0.1".to_owned());
    let mut failed = 0;
    for target in many.chain(one) {
        let body = json!({"provider_ip": target, "ports": [80]}).to_string();
        // On a connection that stays: there would be no local port for another.
        let answer = exchange(&mut client, "", &body).expect("an answer");
        assert_right_or_failed(&answer, |_| true);
        failed += u32::from(answer.status == 503);
    }
    assert!(failed > 0, "the last hundred are more than there are local ports");
    network.sysctl("net.ipv4.ip_local_port_range=32768 60999");
    let series = r#"port_checker_faults_total{kind="local_address"}"#;
    assert_eq!(network.within(|| metric(address, series)), f64::from(failed));
}

/// Takes every connection out of the queue and keeps it, so that the other end keeps its port.
fn accept_on_port_80() {
    let listener = TcpListener::bind("0.0.0.0:80").expect("a free port");
    std::thread::spawn(move || listener.incoming().take(1_100).collect::<Vec<_>>());
}

fn ready(client: &mut TcpStream) -> Answer {
    client.write_all(b"GET /ready HTTP/1.1\r\nHost: test\r\n\r\n").expect("the service reads");
    read_answer(client)
}

fn listen(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).expect("a free port")
}

fn assert_right_or_failed(answer: &Answer, is_open: impl Fn(u16) -> bool) {
    if answer.status != 200 {
        assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
        return;
    }
    let answer: Value = answer.json();
    for (port, result) in answer["results"].as_object().expect("results") {
        let open = is_open(port.parse().expect("a port"));
        assert_eq!(result["accessible"], open, "port {port}: {result}");
    }
}

/// All local ports of the machine that asks are taken, by listeners of a verification for example; soon one is
/// free again.
#[test]
fn a_question_waits_for_a_local_port() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (asker, _checker) = (internet.data_centre(), internet.serve());
    asker.sysctl("net.ipv4.ip_local_port_range=20000 20000");
    let taken = asker.within(|| TcpListener::bind("0.0.0.0:20000").expect("a free port"));
    let report = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(700));
            drop(taken);
        });
        let arguments = format!("check 203.0.113.7 7466 --server {CHECKER} --json");
        Report::of(&asker, &arguments)
    });
    assert_eq!(report.status, Some(1), "a verdict: {}", report.text);
}
