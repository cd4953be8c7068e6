//! A checker, a router and a host behind it, and what each of them does with some ports.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use port_checker_testbed::{
    http::{Answer, check_ports},
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
};
use serde_json::Value;

use crate::program::{PORT_CHECKER, configure};

/// Ports of the host, and what its or the router's firewall does with them.
pub(super) const OPEN: u16 = 1001;
pub(super) const RESETS: u16 = 1002;
pub(super) const SOMEBODY_ELSES: u16 = 1003;
pub(super) const CLOSED: u16 = 1004;
pub(super) const DROPPED_BY_HOST: u16 = 1005;
pub(super) const DROPPED_BY_ROUTER: u16 = 1006;
pub(super) const HOST_UNREACHABLE: u16 = 1007;
pub(super) const PROHIBITED: u16 = 1008;
pub(super) const NETWORK_UNREACHABLE: u16 = 1009;
pub(super) const TCP_RESET_BY_ROUTER: u16 = 1010;
pub(super) const REJECTED: u16 = 1011;
pub(super) const SAYS_NOTHING: u16 = 1012;
pub(super) const REJECTED_BY_HOST: u16 = 1013;

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
        tcp dport 1011 reject with icmpx port-unreachable
    }
}";

const HOST_RULES: &str = "
table inet filter {
    chain input {
        type filter hook input priority 0;
        tcp dport 1005 drop
        tcp dport 1013 reject with icmpx port-unreachable
    }
}";

pub(super) const CHECKER_RULES: &str = "
table inet filter {
    chain output {
        type filter hook output priority 0;
        tcp dport 1001 reject with icmpx port-unreachable
    }
}";

/// A checker, a router and a host behind it.
pub(super) struct Lab {
    _line: Option<LongLine>,
    pub(super) checker: Namespace,
    _router: Namespace,
    pub(super) host: Namespace,
}

pub(super) const HOST: [&str; 2] = ["203.0.113.1", "2001:db8:2::1"];

/// Where the checker and the router are on what is between them.
const CHECKER_ENDS: [&str; 2] = ["198.51.100.1/24", "2001:db8:1::1/64"];
const ROUTER_ENDS: [&str; 2] = ["198.51.100.254/24", "2001:db8:1::fe/64"];

/// Round trips between the checker and the router: a cable, and a long line.
pub(super) const DISTANCES: [Option<Duration>; 2] = [None, Some(Duration::from_millis(100))];

impl Lab {
    pub(super) fn new(round_trip: Option<Duration>) -> Self {
        let (checker, router, host) = (Namespace::new(), Namespace::new(), Namespace::new());
        router.become_router();
        let line = round_trip.map(|round_trip| Line::with_round_trip(round_trip, 0.0));
        let line = line
            .map(|line| LongLine::between(&checker, &CHECKER_ENDS, &router, &ROUTER_ENDS, line));
        if line.is_none() {
            checker.cable(&CHECKER_ENDS, &router, &ROUTER_ENDS);
        }
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
        Self { _line: line, checker, _router: router, host }
    }

    pub(super) fn serve(&self) -> Service {
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

    pub(super) fn ask(&self, service: SocketAddr, body: &Value) -> Answer {
        let body = body.to_string();
        self.checker.within(|| check_ports(service, &body))
    }
}

#[derive(Clone, Copy)]
pub(super) enum Behaviour {
    Answers(&'static str),
    Resets,
    /// Until the other side hangs up.
    Waits,
}

/// Serves one connection.
pub(super) fn listen(ip: IpAddr, port: u16, behaviour: Behaviour) {
    let listener = TcpListener::bind(SocketAddr::new(ip, port)).expect("a free port");
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        match behaviour {
            Behaviour::Answers(line) => {
                let _ = std::io::Write::write_all(&mut stream, format!("{line}\n").as_bytes());
            }
            Behaviour::Resets => {
                let socket = socket2::SockRef::from(&stream);
                socket.set_linger(Some(Duration::ZERO)).expect("a socket");
            }
            Behaviour::Waits => {
                let _ = std::io::Read::read(&mut stream, &mut [0]);
            }
        }
    });
}
