//! A home whose router maps ports.

use std::{
    io::Read,
    net::UdpSocket,
    process::{Child, Stdio},
    time::Duration,
};

use port_checker_testbed::{
    namespace::Namespace,
    process::{Service, signal, wait_until},
    router::Miniupnpd,
};

use crate::network::internet::{
    CHECKER, Internet, Report, attach, machine, masquerading_router, port_checker_on,
};

/// How long the router may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// A provider behind a router.
pub(super) struct Home {
    pub(super) provider: Namespace,
    pub(super) router: Namespace,
    router_program: Option<Miniupnpd>,
    _checker: Service,
    internet: Internet,
}

impl Home {
    /// None where `miniupnpd` is missing; `rules` are those for packets to the router.
    pub(super) fn new(options: &str, rules: &str) -> Option<Self> {
        let mut home = Self::without_protocols();
        let rules = format!(
            "table inet own {{\n chain input {{\n type filter hook input priority filter\n \
             {rules}\n }}\n}}\n"
        );
        home.router.firewall(&rules);
        let (inside, outside) = ([192, 168, 1, 1].into(), [8, 8, 4, 4].into());
        home.router_program = Some(Miniupnpd::start(&home.router, inside, outside, options)?);
        wait_until("the router answers", || home.listens());
        Some(home)
    }

    /// The carrier translates addresses beyond the router: a checker sees the home at 203.0.113.7.
    pub(super) fn behind_a_carrier(options: &str, rules: &str) -> Option<Self> {
        let home = Self::new(options, rules)?;
        let backbone = &home.internet.backbone;
        backbone.ip(&["address", "add", "203.0.113.7/32", "dev", "lo"]);
        backbone.firewall(
            "table ip customers {\n chain postrouting {\n type nat hook postrouting priority srcnat\n \
             ip saddr 8.8.4.4 snat to 203.0.113.7\n }\n}\n",
        );
        Some(home)
    }

    /// One whose router speaks none of the protocols.
    pub(super) fn without_protocols() -> Self {
        let internet = Internet::new();
        let (router, provider) = (masquerading_router(), machine());
        // Truly public, within a namespace that nothing leaves: miniupnpd wants no other.
        attach(&router, &["8.8.4.4/24"], &internet.backbone, &["8.8.4.1/24"]);
        attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
        let checker = internet.serve();
        Self { provider, router, router_program: None, _checker: checker, internet }
    }

    fn listens(&self) -> bool {
        let sockets = self.router.command("ss", &["-Hlnu"]).output().expect("ss, of iproute2");
        let sockets = String::from_utf8_lossy(&sockets.stdout).into_owned();
        sockets.contains(":1900") || sockets.contains(":5351")
    }

    fn arguments(arguments: &str) -> String {
        format!("verify {arguments} --server {CHECKER}")
    }

    pub(super) fn verify(&self, arguments: &str) -> Report {
        Report::of(&self.provider, &Self::arguments(arguments))
    }

    /// Starts to verify two ports, of which one stays closed, so that `--wait` goes on.
    pub(super) fn begin(&self, arguments: &str) -> Run {
        self.provider.firewall(
            "table inet own {\n chain input {\n type filter hook input priority filter\n \
             tcp dport 7467 drop\n }\n}\n",
        );
        let mut command = port_checker_on(&self.provider, &Self::arguments(arguments));
        Run(command.stdout(Stdio::piped()).spawn().expect("the program starts"))
    }

    /// The mappings in the router's firewall.
    pub(super) fn mappings(&self) -> String {
        let list = ["list", "chain", "inet", "filter", "prerouting_miniupnpd"];
        let output = self.router.command("nft", &list).output().expect("nft");
        let rules = String::from_utf8_lossy(&output.stdout).into_owned();
        rules.lines().filter(|line| line.contains("dnat")).collect()
    }

    pub(super) fn maps(&self, port: u16) -> bool {
        self.mappings().contains(&format!("192.168.1.10:{port}"))
    }

    /// A neighbour maps a port to itself.
    pub(super) fn map_to_neighbour(&self, port: u16) {
        let own = self.provider.interface_with("192.168.1.10");
        self.provider.ip(&["address", "add", "192.168.1.20/24", "dev", &own]);
        self.map_over_nat_pmp("192.168.1.20", port);
        self.provider.ip(&["address", "del", "192.168.1.20/24", "dev", &own]);
    }

    /// Another program maps a port over NAT-PMP, which maps to the sender.
    pub(super) fn map_over_nat_pmp(&self, sender: &str, port: u16) {
        self.provider.within(|| {
            let socket = UdpSocket::bind((sender, 0)).expect("an address of this machine");
            socket.set_read_timeout(Some(ANSWER_TIMEOUT)).expect("a time-out");
            let [high, low] = port.to_be_bytes();
            // RFC 6886, section 3.3: TCP, for 600 seconds.
            let request = [0, 2, 0, 0, high, low, high, low, 0, 0, 2, 0x58];
            #[expect(clippy::disallowed_methods, reason = "the router of this test")]
            socket.send_to(&request, "192.168.1.1:5351").expect("a route");
            let mut answer = [0; 16];
            socket.recv(&mut answer).expect("an answer");
            assert_eq!(answer[..4], [0, 130, 0, 0], "mapped");
        });
    }
}

/// A run that goes on; it is killed when dropped.
pub(super) struct Run(Child);

impl Run {
    /// Sends a signal and waits for the end; returns the exit status and the report, which a pipe can hold.
    pub(super) fn end_by(mut self, name: &str) -> (Option<i32>, String) {
        signal(&self.0, name);
        wait_until("it ends", || self.0.try_wait().expect("it is ours").is_some());
        let status = self.0.wait().expect("it has ended").code();
        let mut text = String::new();
        let output = self.0.stdout.as_mut().expect("standard output is piped");
        output.read_to_string(&mut text).expect("text");
        (status, text)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
