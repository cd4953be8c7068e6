//! ICMP messages of routers on the way, and those that this machine makes up.

use std::net::TcpListener;

use port_checker_probe::{ChallengeOutcome, Icmp, IcmpMessage};
use port_checker_testbed::{namespace::Namespace, skip};

use super::{laboratory::*, *};

/// The result of one attempt within a namespace.
fn judged_within(
    namespace: &Namespace,
    ip: IpAddr,
    challenge: Option<&str>,
    timeout: Duration,
) -> Result<Finding, Fault> {
    let prober = Prober::new(ProbeSettings { timeout, ..settings(1) }, Budget::new(1));
    let challenge = challenge.map(|text| text.parse().expect("a challenge"));
    let judged = async {
        let target = any_target(ip, 7466);
        let admission = prober.budget().admit_now(V4, 1).expect("a socket");
        let mut check = prober.check(admission, target, Probe::Tcp { challenge }, LONG);
        check.next().await.expect("one port")
    };
    namespace.within(|| runtime().block_on(judged))
}

#[test]
fn a_router_that_knows_no_route_is_named() {
    if !skip::is_root() {
        return;
    }
    let (checker, _router) = checker_and_router();
    for (target, from) in TARGETS {
        let found = judged_within(&checker, ip(target), None, LONG).expect("a router said so");
        let message = Some(Icmp { message: IcmpMessage::NetworkUnreachable, from: ip(from) });
        assert_eq!(found.verdict, Verdict::NotOpen(Reason::NetworkUnreachable), "{target}");
        assert_eq!(found.icmp, message, "{target}");
    }
}

/// "No route to host" here means that the next machine does not answer, which may be the checker's own gateway.
#[test]
fn a_gateway_that_does_not_answer_is_a_fault() {
    if !skip::is_root() {
        return;
    }
    let (checker, _other) = checker_without_its_gateway();
    for (target, _) in TARGETS {
        let fault =
            judged_within(&checker, ip(target), None, LONG).expect_err("nothing is known about it");
        assert_eq!(fault.kind(), FaultKind::Route, "{fault}");
    }
}

/// A message about a connection that stands does not end it (RFC 1122, section 4.2.3.9).
#[test]
fn a_message_about_an_established_connection_changes_nothing() {
    const RULES: &str = "
table inet late {
    chain input {
        type filter hook input priority filter
        tcp dport 7466 tcp flags & (syn | ack) == ack reject with icmpx host-unreachable
    }
}";
    if !skip::is_root() {
        return;
    }
    let namespace = Namespace::new();
    namespace.firewall(RULES);
    let silent = Some(ChallengeOutcome::Silent);
    for ip in [V4, V6] {
        let _listener = namespace.within(|| TcpListener::bind((ip, 7466)).expect("a free port"));
        let found = judged_within(&namespace, ip, None, LONG).expect("a verdict");
        assert_eq!(found.verdict, Verdict::Open, "{ip}");
        // The listener's kernel sends its half of the handshake again after a second, and the firewall its message.
        let time_out = Duration::from_millis(1500);
        let found = judged_within(&namespace, ip, Some("0123456789abcdef"), time_out);
        let found = found.expect("a verdict");
        let failed = Verdict::NotOpen(Reason::ChallengeFailed);
        assert_eq!((found.verdict, found.challenge), (failed, silent), "{ip}");
    }
}

/// Nothing is sent, so that silence would say nothing about the target.
#[test]
fn a_machine_without_a_route_gives_no_verdict() {
    if !skip::is_root() {
        return;
    }
    let checker = Namespace::new();
    for (target, _) in TARGETS {
        let judged = judged_within(&checker, ip(target), None, Duration::from_secs(1));
        assert_eq!(judged.expect_err("no verdict").kind(), FaultKind::Route, "{target}");
    }
}
