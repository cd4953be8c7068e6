//! A home whose router maps ports.

use std::{
    io::Read,
    net::{Ipv4Addr, UdpSocket},
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
        home.start_router(options)?;
        Some(home)
    }

    fn start_router(&mut self, options: &str) -> Option<()> {
        let (inside, outside) = ([192, 168, 1, 1].into(), [8, 8, 4, 4].into());
        self.router_program = Some(Miniupnpd::start(&self.router, inside, outside, options)?);
        wait_until("the router answers", || self.listens());
        Some(())
    }

    /// Its new program has its description at another port.
    pub(super) fn restart_router(&mut self, options: &str) {
        self.router_program = None;
        self.start_router(options).expect("it was started before");
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

    /// Packets to the router that its rule with these words has counted.
    pub(super) fn counted(&self, words: &str) -> u64 {
        let output = self.router.command("nft", &["list", "ruleset"]).output().expect("nft");
        let rules = String::from_utf8_lossy(&output.stdout).into_owned();
        let rule = rules.lines().find(|rule| rule.contains(words)).expect("a rule of the test");
        let count = rule.split("counter packets ").nth(1).expect("it counts");
        count.split(' ').next().and_then(|count| count.parse().ok()).expect("a number")
    }

    /// Counts the connections that checkers begin to a port, wherever they end.
    pub(super) fn count_probes(&self, port: u16) {
        self.router.firewall(&format!(
            "table inet probes {{\n chain prerouting {{\n type filter hook prerouting priority raw\n \
             iifname != lo ip daddr 8.8.4.4 tcp dport {port} counter\n }}\n}}\n"
        ));
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
        self.as_neighbour(|sender| self.map_over_nat_pmp(sender, port));
    }

    /// Lends an address that this machine does not have otherwise.
    pub(super) fn as_neighbour(&self, act: impl FnOnce(&str)) {
        let own = self.provider.interface_with("192.168.1.10");
        self.provider.ip(&["address", "add", "192.168.1.20/24", "dev", &own]);
        act("192.168.1.20");
        self.provider.ip(&["address", "del", "192.168.1.20/24", "dev", &own]);
    }

    /// Another program maps a port over NAT-PMP, which maps to the sender.
    pub(super) fn map_over_nat_pmp(&self, sender: &str, port: u16) {
        let [high, low] = port.to_be_bytes();
        // RFC 6886, section 3.3: TCP, for 600 seconds.
        let request = [0, 2, 0, 0, high, low, high, low, 0, 0, 2, 0x58];
        assert_eq!(self.ask_as(sender, &request), [0, 130, 0, 0], "mapped");
    }

    /// The same over PCP.
    pub(super) fn map_over_pcp(&self, sender: &str, port: u16) {
        let client = sender.parse::<Ipv4Addr>().expect("an address").to_ipv6_mapped().octets();
        let port = port.to_be_bytes();
        // RFC 6887, sections 7.1 and 11.1: a nonce, TCP, the same port outside, any address.
        let request = [
            &[2, 1, 0, 0, 0, 0, 2, 0x58][..],
            &client,
            &[7; 12],
            &[6, 0, 0, 0],
            &port,
            &port,
            &Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets(),
        ];
        assert_eq!(self.ask_as(sender, &request.concat()), [2, 129, 0, 0], "mapped");
    }

    /// The first bytes of the router's answer to a program.
    fn ask_as(&self, sender: &str, request: &[u8]) -> [u8; 4] {
        self.provider.within(|| {
            let socket = UdpSocket::bind((sender, 0)).expect("an address of this machine");
            socket.set_read_timeout(Some(ANSWER_TIMEOUT)).expect("a time-out");
            #[expect(clippy::disallowed_methods, reason = "the router of this test")]
            socket.send_to(request, "192.168.1.1:5351").expect("a route");
            let mut answer = [0; 60];
            socket.recv(&mut answer).expect("an answer");
            answer[..4].try_into().expect("four of sixty bytes")
        })
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
