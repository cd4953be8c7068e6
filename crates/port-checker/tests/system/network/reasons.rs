//! Every reason of the contract, from a network that behaves so, in both families.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    thread,
};

use port_checker_testbed::{http::check_ports, namespace::Namespace, process::Service, skip};
use serde_json::{Value, json};

use crate::program::{PORT_CHECKER, configure};

const CHALLENGE: &str = "a challenge of some length";

/// Ports of the host, and what its or the router's firewall does with them.
const OPEN: u16 = 1001;
const RESETS: u16 = 1002;
const SOMEBODY_ELSES: u16 = 1003;
const CLOSED: u16 = 1004;
const DROPPED_BY_HOST: u16 = 1005;
const DROPPED_BY_ROUTER: u16 = 1006;
const HOST_UNREACHABLE: u16 = 1007;
const PROHIBITED: u16 = 1008;
const NETWORK_UNREACHABLE: u16 = 1009;
const TCP_RESET_BY_ROUTER: u16 = 1010;

/// What is asked of which port, and the reason expected; none for an open port.
const CASES: [(u16, Option<&str>, &str); 10] = [
    (OPEN, None, "sends the challenge"),
    (RESETS, Some("reset"), "accepts and resets"),
    (SOMEBODY_ELSES, Some("challenge_failed"), "another service answers"),
    (CLOSED, Some("refused"), "nothing listens"),
    (TCP_RESET_BY_ROUTER, Some("refused"), "a firewall answers for the host"),
    (DROPPED_BY_HOST, Some("timed_out"), "the host's firewall drops"),
    (DROPPED_BY_ROUTER, Some("timed_out"), "the router drops"),
    (HOST_UNREACHABLE, Some("host_unreachable"), "the router says so"),
    (PROHIBITED, Some("host_unreachable"), "the router forbids it"),
    (NETWORK_UNREACHABLE, Some("network_unreachable"), "the router says so"),
];

const ROUTER_RULES: &str = "
table inet filter {
    chain forward {
        type filter hook forward priority 0;
        tcp dport 1006 drop
        tcp dport 1007 meta nfproto ipv4 reject with icmp host-unreachable
        tcp dport 1007 meta nfproto ipv6 reject with icmpv6 addr-unreachable
        tcp dport 1008 reject with icmpx admin-prohibited
        tcp dport 1009 reject with icmpx no-route
        tcp dport 1010 reject with tcp reset
    }
}";

const HOST_RULES: &str = "
table inet filter {
    chain input {
        type filter hook input priority 0;
        tcp dport 1005 drop
    }
}";

const CHECKER_RULES: &str = "
table inet filter {
    chain output {
        type filter hook output priority 0;
        tcp dport 1001 reject with icmpx port-unreachable
    }
}";

/// A checker, a router and a host behind it.
struct Lab {
    checker: Namespace,
    _router: Namespace,
    host: Namespace,
}

const HOST: [&str; 2] = ["203.0.113.1", "2001:db8:2::1"];

impl Lab {
    fn new() -> Self {
        let (checker, router, host) = (Namespace::new(), Namespace::new(), Namespace::new());
        router.become_router();
        checker.cable(
            &["198.51.100.1/24", "2001:db8:1::1/64"],
            &router,
            &["198.51.100.254/24", "2001:db8:1::fe/64"],
        );
        host.cable(
            &["203.0.113.1/24", "2001:db8:2::1/64"],
            &router,
            &["203.0.113.254/24", "2001:db8:2::fe/64"],
        );
        for (namespace, v4, v6) in [
            (&checker, "198.51.100.254", "2001:db8:1::fe"),
            (&host, "203.0.113.254", "2001:db8:2::fe"),
        ] {
            namespace.ip(&["route", "add", "default", "via", v4]);
            namespace.ip(&["-6", "route", "add", "default", "via", v6]);
        }
        router.firewall(ROUTER_RULES);
        host.firewall(HOST_RULES);
        Self { checker, _router: router, host }
    }

    fn serve(&self) -> Service {
        let mut command = self.checker.command(PORT_CHECKER, &["serve"]);
        let settings = [
            (
                "PORT_CHECKER_ALLOWED_TARGETS",
                "198.51.100.0/24,203.0.113.0/24,192.0.2.0/24,2001:db8::/32",
            ),
            ("PORT_CHECK_RETRIES", "1"),
        ];
        configure(&mut command, &settings);
        Service::start(&mut command)
    }

    fn ask(&self, service: &Service, body: &Value) -> port_checker_testbed::http::Answer {
        let (address, body) = (service.address, body.to_string());
        self.checker.within(|| check_ports(address, &body))
    }
}

#[test]
fn every_reason_on_both_families() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new();
    let service = lab.serve();
    for host in HOST {
        let ip: IpAddr = host.parse().unwrap();
        lab.host.within(|| listen(ip, OPEN, Behaviour::Answers(CHALLENGE)));
        lab.host.within(|| listen(ip, RESETS, Behaviour::Resets));
        lab.host.within(|| listen(ip, SOMEBODY_ELSES, Behaviour::Answers("SSH-2.0-OpenSSH_9.2")));
        let ports = CASES.map(|(port, ..)| port);
        let body = json!({
            "provider_ip": host, "ports": ports, "challenge": CHALLENGE, "verbose": true,
        });
        let answer = lab.ask(&service, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        for (port, reason, why) in CASES {
            let result = &answer.json()["results"][port.to_string()];
            assert_eq!(result["reason"].as_str(), reason, "{host}: {why}: {result}");
            assert_eq!(result["accessible"], reason.is_none(), "{host}: {why}: {result}");
        }
    }
}

#[test]
fn what_real_routers_say_of_hosts_and_networks_that_are_not_there() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new();
    let service = lab.serve();
    let cases = [
        ("203.0.113.77", "host_unreachable", "the router's neighbour does not answer"),
        ("2001:db8:2::77", "host_unreachable", "the router's neighbour does not answer"),
        ("192.0.2.1", "network_unreachable", "the router has no route"),
        ("2001:db8:9::1", "network_unreachable", "the router has no route"),
    ];
    for (target, reason, why) in cases {
        let answer =
            lab.ask(&service, &json!({"provider_ip": target, "ports": [80], "verbose": true}));
        assert_eq!(answer.status, 200, "{target}: {why}: {answer:?}");
        assert_eq!(answer.json()["results"]["80"]["reason"], reason, "{target}: {why}");
    }
}

/// The same error number as above, but it is the checker's own gateway that does not answer.
#[test]
fn a_dead_gateway_of_the_checkers_own_is_not_the_targets_fault() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new();
    let service = lab.serve();
    lab.checker.ip(&["route", "replace", "default", "via", "198.51.100.99"]);
    lab.checker.ip(&["-6", "route", "replace", "default", "via", "2001:db8:1::99"]);
    for target in HOST {
        let answer = lab.ask(&service, &json!({"provider_ip": target, "ports": [OPEN]}));
        assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{target}");
        assert!(answer.message().contains("own firewall or gateway"), "{}", answer.message());
    }
}

/// The checker's own firewall says that the port cannot be reached.
#[test]
fn a_firewall_of_the_checkers_own_that_rejects_is_not_the_targets_fault() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new();
    lab.checker.firewall(CHECKER_RULES);
    lab.checker.ip(&["route", "add", "blackhole", "192.0.2.0/24"]);
    let service = lab.serve();
    for target in [HOST[0], HOST[1], "192.0.2.1"] {
        let answer = lab.ask(&service, &json!({"provider_ip": target, "ports": [OPEN]}));
        assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{target}");
    }
}

enum Behaviour {
    Answers(&'static str),
    Resets,
}

/// Serves one connection.
fn listen(ip: IpAddr, port: u16, behaviour: Behaviour) {
    let listener = TcpListener::bind(SocketAddr::new(ip, port)).expect("a free port");
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        match behaviour {
            Behaviour::Answers(line) => {
                let _ = std::io::Write::write_all(&mut stream, format!("{line}\n").as_bytes());
            }
            Behaviour::Resets => {
                let socket = socket2::SockRef::from(&stream);
                socket.set_linger(Some(std::time::Duration::ZERO)).expect("a socket");
            }
        }
    });
}
