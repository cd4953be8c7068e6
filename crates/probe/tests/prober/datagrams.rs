//! Probes over UDP.

use std::{
    net::{IpAddr, UdpSocket},
    time::{Duration, Instant},
};

use port_checker_probe::{
    Budget, Challenge, ChallengeOutcome, Check, Fault, FaultKind, Finding, IcmpMessage, Port,
    Probe, ProbeSettings, Prober, Reason, Target, Verdict,
};
use port_checker_testbed::{
    datagrams::{Answering, Mute, unused},
    namespace::Namespace,
    process::wait_until,
    skip,
};

use super::{
    LONG, V4, V6, all_sockets_are_closed, findings,
    laboratory::{
        TARGETS, any_target, assert_rejected, checker_and_router, checker_without_its_gateway, ip,
        rejecting, runtime,
    },
    prober, settings, target,
};

mod forged;
mod messages;
mod quotes;

const CHALLENGE: &str = "correct horse battery staple";
const REFUSED: Verdict = Verdict::NotOpen(Reason::Refused);
const SILENT: Verdict = Verdict::NotOpen(Reason::TimedOut);
const FAILED: Verdict = Verdict::NotOpen(Reason::ChallengeFailed);

fn probe() -> Probe {
    Probe::Udp { challenge: CHALLENGE.parse::<Challenge>().expect("a challenge") }
}

fn check(prober: &Prober, target: Target) -> Check {
    let admission = prober.budget().admit_now(V4, target.ports().len()).expect("a socket");
    prober.check(admission, target, probe(), LONG)
}

async fn found(prober: &Prober, ip: IpAddr, ports: Vec<Port>) -> Vec<Finding> {
    findings(check(prober, target(ip, ports))).await
}

#[tokio::test]
async fn each_kind_of_port_in_each_family() {
    for ip in [V4, V6] {
        let (open, refusing, silent) = (Answering::with(ip, CHALLENGE), unused(1)[0], Mute::on(ip));
        let prober = prober(2, 10);
        let found = found(&prober, ip, vec![open.port(), refusing, silent.port()]).await;
        let verdicts: Vec<_> = found.iter().map(|found| found.verdict).collect();
        assert_eq!(verdicts, [Verdict::Open, REFUSED, SILENT], "{ip}");
        let attempts: Vec<_> = found.iter().map(|found| found.attempts).collect();
        assert_eq!(attempts, [1, 2, 2], "{ip}: only success ends them early");
        assert_eq!(open.questions(), 1, "{ip}");
        assert_eq!(found[0].challenge, Some(ChallengeOutcome::Matched), "{ip}");
        assert_eq!((found[0].icmp, found[2].icmp), (None, None), "{ip}");
        let icmp = found[1].icmp.expect("the host says so");
        assert_eq!((icmp.message, icmp.from), (IcmpMessage::PortUnreachable, ip));
        assert_eq!((found[1].challenge, found[2].challenge), (None, None), "{ip}");
        assert!(found[2].elapsed >= settings(1).timeout, "{:?}", found[2].elapsed);
        let ignored = prober.ignored_datagrams();
        assert_eq!((ignored.foreign(), ignored.malformed(), ignored.unmatched()), (0, 0, 0));
    }
}

#[tokio::test]
async fn attempts_at_a_silent_port_overlap() {
    let silent = Mute::on(V4);
    let settings = ProbeSettings {
        delay: Duration::from_millis(100),
        timeout: Duration::from_secs(1),
        ..settings(3)
    };
    let prober = Prober::new(settings, Budget::new(10));
    let started = Instant::now();
    let found = found(&prober, V4, vec![silent.port()]).await;
    let took = started.elapsed();
    assert_eq!((found[0].verdict, found[0].attempts), (SILENT, 3));
    assert!(took >= settings.longest() && took < settings.timeout * 2, "{took:?}");
}

/// The message about one port fails the next datagram to another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refusals_of_some_ports_do_not_hide_others() {
    for ip in [V4, V6] {
        let open: Vec<_> = (0..40).map(|_| Answering::with(ip, CHALLENGE)).collect();
        let mut ports = unused(1_000);
        for (index, open) in open.iter().enumerate() {
            ports.insert(index * 20, open.port());
        }
        let found = found(&prober(2, 1_000), ip, ports).await;
        assert_eq!(found.len(), 1_040);
        for found in found {
            let is_open = open.iter().any(|open| open.port() == found.port);
            let expected = if is_open { Verdict::Open } else { REFUSED };
            assert_eq!(found.verdict, expected, "{ip}: {found:?}");
        }
    }
}

/// More attempts at once than one socket serves, in a check of several workers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_port_of_a_large_check_is_judged_once() {
    let (open, silent) = (Answering::with(V4, CHALLENGE), Mute::on(V4));
    let mut ports = unused(3_000);
    ports.extend([open.port(), silent.port()]);
    let prober = prober(2, 500);
    let mut check = check(&prober, target(V4, ports.clone()));
    let mut judged = Vec::new();
    while let Some(finding) = check.next().await {
        assert!(prober.budget().in_flight() <= 500, "{}", prober.budget().in_flight());
        judged.push(finding.expect("the checker can do its part"));
    }
    judged.sort_by_key(|finding| finding.index);
    assert!(judged.iter().map(|finding| finding.port).eq(ports), "each once");
    for finding in judged {
        let (verdict, attempts) = match finding.port {
            port if port == open.port() => (Verdict::Open, 1),
            port if port == silent.port() => (SILENT, 2),
            _ => (REFUSED, 2),
        };
        assert_eq!((finding.verdict, finding.attempts), (verdict, attempts), "{finding:?}");
    }
    wait_until("every socket is closed", || prober.budget().in_flight() == 0);
}

/// How many UDP sockets of this machine have a local port that is not one of `others`.
fn open_sockets(others: &[Port]) -> usize {
    let table = std::fs::read_to_string("/proc/thread-self/net/udp").expect("a table");
    let port = |line: &str| {
        let local = line.split_whitespace().nth(1)?;
        u16::from_str_radix(local.split_once(':')?.1, 16).ok()
    };
    let ports = table.lines().skip(1).filter_map(port);
    ports.filter(|&port| others.iter().all(|other| other.get() != port)).count()
}

#[test]
fn many_attempts_share_few_sockets_and_the_last_closes_them() {
    const PORTS: usize = 2 * 256 + 1;
    if !skip::is_root() {
        return;
    }
    let namespace = Namespace::new();
    let runtime = runtime();
    namespace.within(|| {
        let silent: Vec<_> = (0..PORTS).map(|_| Mute::on(V4)).collect();
        let ports: Vec<_> = silent.iter().map(Mute::port).collect();
        runtime.block_on(async {
            let settings = ProbeSettings { timeout: LONG, ..settings(1) };
            let prober = Prober::new(settings, Budget::new(2 * PORTS));
            let mut check = check(&prober, target(V4, ports.clone()));
            while prober.budget().in_flight() < PORTS {
                let soon = Duration::from_millis(10);
                assert!(tokio::time::timeout(soon, check.next()).await.is_err(), "all are silent");
            }
            // Until a program that another test starts is running, it holds the sockets that there were.
            let are_open = |count| wait_until("so many are open", || open_sockets(&ports) == count);
            are_open(3);
            drop(check);
            all_sockets_are_closed(&prober).await;
            are_open(0);
        });
    });
}

#[tokio::test]
async fn an_answer_that_came_in_time_is_seen_even_if_nobody_looked() {
    let silent = Mute::on(V4);
    let settings = settings(1);
    let prober = Prober::new(settings, Budget::new(1));
    let mut check = check(&prober, target(V4, vec![silent.port()]));
    let soon = Duration::from_millis(20);
    assert!(tokio::time::timeout(soon, check.next()).await.is_err(), "no answer yet");
    let (question, checker) = silent.read();
    let question = port_checker_api::UdpQuestion::parse(&question).expect("a question");
    silent.send(&question.answered(CHALLENGE.as_bytes()), checker);
    // The one thread of the runtime does something else.
    std::thread::sleep(settings.timeout * 2);
    let found = check.next().await.unwrap().unwrap();
    assert_eq!((found.verdict, found.attempts), (Verdict::Open, 1));
}

/// The reactor tells of a socket once, and has to be asked again.
#[tokio::test]
async fn an_answer_after_another_datagram_is_seen_at_once() {
    let silent = Mute::on(V4);
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(1));
    let mut check = check(&prober, target(V4, vec![silent.port()]));
    let soon = Duration::from_millis(20);
    assert!(tokio::time::timeout(soon, check.next()).await.is_err(), "no answer yet");
    let (question, checker) = silent.read();
    silent.send(b"no answer", checker);
    let soon = Duration::from_secs(10);
    let is_read = async {
        while prober.ignored_datagrams().malformed() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(soon, is_read).await.expect("it is read");
    let question = port_checker_api::UdpQuestion::parse(&question).expect("a question");
    silent.send(&question.answered(CHALLENGE.as_bytes()), checker);
    let found = tokio::time::timeout(soon, check.next()).await.expect("long before the time-out");
    assert_eq!(found.unwrap().unwrap().verdict, Verdict::Open);
}

/// The kernel has one local port to give, and it is the one that is asked about.
#[test]
fn a_datagram_to_itself_is_no_open_port() {
    if !skip::is_root() {
        return;
    }
    let namespace = Namespace::new();
    namespace.sysctl("net.ipv4.ip_local_port_range=40000 40000");
    let runtime = runtime();
    for ip in [V4, V6] {
        let port = Port::new(40_000).expect("not 0");
        let judged = async { found(&prober(1, 1), ip, vec![port]).await };
        let found = namespace.within(|| runtime.block_on(judged))[0];
        assert_eq!(found.verdict, REFUSED, "{ip}");
    }
}

/// Another program has every local port.
#[test]
fn a_machine_without_a_local_port_gives_no_verdict() {
    if !skip::is_root() {
        return;
    }
    let namespace = Namespace::new();
    namespace.sysctl("net.ipv4.ip_local_port_range=40000 40000");
    let runtime = runtime();
    namespace.within(|| {
        let _taken = UdpSocket::bind((V4, 40_000)).expect("a free port");
        let port = Port::new(7466).expect("not 0");
        let prober = prober(1, 1);
        let judged = async { check(&prober, target(V4, vec![port])).next().await };
        let fault = runtime.block_on(judged).expect("one port").expect_err("no verdict");
        // The kernel says EAGAIN.
        assert!(matches!(fault.kind(), FaultKind::LocalAddress | FaultKind::Memory), "{fault}");
    });
}
