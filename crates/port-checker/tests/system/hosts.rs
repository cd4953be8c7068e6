//! Machines that differ from the usual one, as network namespaces and resource limits.

use std::{
    collections::BTreeSet,
    io::Write,
    net::TcpListener,
    process::{Command, Stdio},
};

use port_checker_testbed::{
    http::{Answer, JSON, check, check_ports, connect, post, read_answer},
    namespace::Namespace,
    process::Service,
    skip,
};
use serde_json::Value;

use crate::program::{PORT_CHECKER, configure};

const QUICK: [(&str, &str); 6] = [
    ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
    ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
    ("PORT_CHECKER_ALLOWED_TARGETS", "198.51.100.0/24,2001:db8::/32"),
    ("PORT_CHECK_RETRIES", "2"),
    ("PORT_CHECK_RETRY_DELAY", "0.1"),
];

#[test]
fn a_machine_without_ipv6_does_not_call_ipv6_ports_closed() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    network.sysctl("net.ipv6.conf.all.disable_ipv6=1");
    let service = serve(&network, &["serve"], &[]);
    for target in ["::1", "2001:db8::1"] {
        let answer =
            ask(&network, &service, &format!(r#"{{"provider_ip":"{target}","ports":[80]}}"#));
        assert_check_failed(&answer, target);
    }
    let answer = ask(&network, &service, r#"{"provider_ip":"127.0.0.1","ports":[80]}"#);
    assert_eq!(answer.json()["results"]["80"]["error"], "Connection refused", "IPv4 works");
}

#[test]
fn a_machine_without_a_route_does_not_call_ports_unreachable() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let service = serve(&network, &["serve"], &[("PORT_CHECKER_RATE_PER_MINUTE", "600")]);
    for target in ["198.51.100.1", "2001:db8::1"] {
        let answer =
            ask(&network, &service, &format!(r#"{{"provider_ip":"{target}","ports":[80]}}"#));
        assert_check_failed(&answer, target);
        let body = format!(r#"{{"host":"{target}","port":443}}"#);
        let answer = network.within(|| post(service.address, "/check-tls", JSON, body.as_bytes()));
        assert_check_failed(&answer, target);
        assert!(answer.header("ratelimit").is_some(), "it was charged: {answer:?}");
    }
}

/// With four local ports to choose from, of which the kernel tries the even ones first, every other
/// attempt at an even port gets that port for its own end.
#[test]
fn a_socket_that_connects_to_itself_is_not_an_open_port() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let settings = [("PORT_CHECK_RETRIES", "10"), ("PORT_CHECK_RETRY_DELAY", "0")];
    let service = serve(&network, &["serve"], &settings);
    let address = service.address;
    let mut client = network.within(|| connect(address));
    network.sysctl("net.ipv4.ip_local_port_range=40000 40003");
    let body = r#"{"provider_ip":"127.0.0.1","ports":[40000,40002],"verbose":true}"#;
    client.write_all(&check(body)).unwrap();
    let answer = read_answer(&mut client);
    for port in ["40000", "40002"] {
        assert_eq!(answer.json()["results"][port]["error"], "Connection refused", "{answer:?}");
    }
}

#[test]
fn all_65535_ports_with_few_and_with_many_descriptors() {
    if !skip::is_root() {
        return;
    }
    for limit in [1_024, possible(1_048_576)] {
        let network = Namespace::new();
        let limited = format!("--nofile={limit}:{limit}");
        let settings = [("PORT_CHECK_MAX_PORTS", "65535"), ("PORT_CHECK_DEADLINE", "120")];
        let service = serve_by(&network, &["prlimit", &limited], &settings);
        let listeners = network.within(|| listeners(&[1, 80, 443, 7466, 50_800, 65_535]));
        let mut expected: BTreeSet<u16> = listeners.iter().map(port).collect();
        expected.insert(service.address.port());
        let ports: Vec<String> = (1..=u16::MAX).map(|port| port.to_string()).collect();
        let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":[{}]}}"#, ports.join(","));
        let answer = ask(&network, &service, &body);
        assert_eq!(answer.status, 200, "with {limit}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(accessible(&answer.json()), expected, "with {limit} descriptors");
    }
}

/// The accessible ports of an answer in which every other port is refused.
fn accessible(answer: &Value) -> BTreeSet<u16> {
    let results = answer["results"].as_object().expect("results");
    assert_eq!(results.len(), usize::from(u16::MAX));
    let open = |(port, result): (&String, &Value)| match result["error"].as_str() {
        None => Some(port.parse().expect("a port")),
        Some("Connection refused") => None,
        Some(error) => panic!("port {port}: {error}"),
    };
    results.iter().filter_map(open).collect()
}

fn listeners(ports: &[u16]) -> Vec<TcpListener> {
    ports.iter().map(|&port| TcpListener::bind(("127.0.0.1", port)).expect("free")).collect()
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("a bound socket").port()
}

/// How many descriptors this machine lets a process have, at most `wanted`.
fn possible(wanted: u64) -> u64 {
    let limit = format!("--nofile={wanted}:{wanted}");
    let mut raised = Command::new("prlimit");
    raised.args([&limit, "true"]);
    if raised.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return wanted;
    }
    let hard = rlimit::Resource::NOFILE.get_hard().expect("the limit can be read").min(wanted);
    skip::say(&format!("{wanted} descriptors: this machine allows {hard}"));
    hard
}

fn serve(network: &Namespace, args: &[&str], settings: &[(&str, &str)]) -> Service {
    let mut command = network.command(PORT_CHECKER, args);
    start(&mut command, settings)
}

fn serve_by(network: &Namespace, wrapper: &[&str], settings: &[(&str, &str)]) -> Service {
    let args = [&wrapper[1..], &[PORT_CHECKER, "serve"]].concat();
    start(&mut network.command(wrapper[0], &args), settings)
}

fn start(command: &mut Command, settings: &[(&str, &str)]) -> Service {
    configure(command, &[QUICK.as_slice(), settings].concat());
    Service::start(command)
}

fn ask(network: &Namespace, service: &Service, body: &str) -> Answer {
    let address = service.address;
    network.within(|| check_ports(address, body))
}

fn assert_check_failed(answer: &Answer, target: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{target}");
    assert!(answer.header("retry-after").is_some(), "{target}");
}
