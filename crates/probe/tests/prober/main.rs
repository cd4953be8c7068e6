//! The engine over real sockets.

use std::{
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use port_checker_probe::{
    Budget, Check, Fault, FaultKind, Finding, Policy, Port, Probe, ProbeSettings, Prober, Reason,
    Target, Verdict,
};
use port_checker_testbed::{
    ports::{Held, Listening, Refusing, Silent, unused},
    process::wait_until,
};

mod attempts;
mod challenges;
mod datagrams;
mod laboratory;
mod limits;
mod messages;
mod sharing;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn each_kind_of_port_in_each_family() {
    for ip in [V4, V6] {
        let (listening, refusing, silent) = (Listening::on(ip), Refusing::on(ip), Silent::on(ip));
        let cases = [
            (listening.port(), Verdict::Open),
            (refusing.port(), Verdict::NotOpen(Reason::Refused)),
            (silent.port(), Verdict::NotOpen(Reason::TimedOut)),
        ];
        let ports = cases.iter().map(|case| case.0).collect();
        let findings = findings(check(&prober(1, 10), target(ip, ports), LONG).await).await;
        for (finding, (port, verdict)) in findings.iter().zip(cases) {
            assert_eq!((finding.port, finding.verdict), (port, verdict), "{ip}");
        }
    }
}

#[tokio::test]
async fn only_success_ends_the_attempts_early() {
    let (listening, refusing, silent) = (Listening::on(V4), Refusing::on(V4), Silent::on(V4));
    let ports = vec![listening.port(), refusing.port(), silent.port()];
    let findings = findings(check(&prober(3, 10), target(V4, ports), LONG).await).await;
    let attempts: Vec<u32> = findings.iter().map(|finding| finding.attempts).collect();
    assert_eq!(attempts, [1, 3, 3]);
    assert!(findings[2].elapsed >= settings(3).timeout, "the last attempt ran to its time-out");
}

#[tokio::test]
async fn a_listener_that_starts_between_attempts_is_found() {
    let refusing = Refusing::on(V4);
    let settings = ProbeSettings { delay: Duration::from_millis(300), ..settings(10) };
    let prober = Prober::new(settings, Budget::new(1));
    let mut check = check(&prober, target(V4, vec![refusing.port()]), LONG).await;
    let first_attempts = tokio::time::timeout(Duration::from_millis(450), check.next()).await;
    assert!(first_attempts.is_err(), "refused so far");
    refusing.listen();
    let finding = check.next().await.unwrap().unwrap();
    assert_eq!(finding.verdict, Verdict::Open);
    assert!(finding.attempts > 1, "{finding:?}");
}

#[tokio::test]
async fn ports_are_tried_at_once_and_share_the_time_out() {
    let silent: Vec<Silent> = (0..50).map(|_| Silent::on(V4)).collect();
    let target = target(V4, silent.iter().map(Held::port).collect());
    let started = Instant::now();
    let findings = findings(check(&prober(1, 50), target, LONG).await).await;
    assert_eq!(findings.len(), 50);
    let one_after_another = settings(1).timeout * 50;
    assert!(started.elapsed() < one_after_another / 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn dropping_a_check_closes_its_sockets() {
    let silent = Silent::on(V4);
    let prober = prober(1, 1);
    let mut check = check(&prober, target(V4, vec![silent.port()]), LONG).await;
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, check.next()).await.is_err(), "still waiting");
    assert_eq!(prober.budget().in_flight(), 1);
    drop(check);
    all_sockets_are_closed(&prober).await;
}

#[tokio::test]
async fn an_answer_that_comes_late_is_seen() {
    for challenge in [None, Some("0123456789abcdef")] {
        // Of several: each is told apart.
        let (silent, never) = (Silent::on(V4), Silent::on(V4));
        let settings = ProbeSettings { timeout: LONG, ..settings(1) };
        let prober = Prober::new(settings, Budget::new(10));
        let admission = prober.budget().admit_now(V4, 2).expect("a socket");
        let expected = challenge.map(|text| text.parse().expect("a challenge"));
        let mut check = prober.check(
            admission,
            target(V4, vec![never.port(), silent.port()]),
            Probe::Tcp { challenge: expected },
            LONG,
        );
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, check.next()).await.is_err(), "no answer yet");
        silent.make_room();
        let late = tokio::task::spawn_blocking(move || silent.answer(challenge));
        let soon = Duration::from_secs(10);
        let finding = tokio::time::timeout(soon, check.next()).await.expect("it is told at once");
        let finding = finding.unwrap().unwrap();
        assert_eq!((finding.verdict, finding.attempts), (Verdict::Open, 1), "{challenge:?}");
        late.await.expect("the listener says its line");
    }
}

/// More ports than one worker takes: closed ones, one that listens, and one that never answers.
fn many(listening: &Listening, silent: &Silent) -> Target {
    let mut ports = unused(3000);
    ports.extend([listening.port(), silent.port()]);
    target(V4, ports)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_port_of_a_large_check_is_judged_once() {
    let (listening, silent) = (Listening::on(V4), Silent::on(V4));
    let target = many(&listening, &silent);
    let ports = target.ports().to_vec();
    let prober = prober(2, 40);
    let mut check = check(&prober, target, LONG).await;
    let mut judged = Vec::new();
    while let Some(finding) = check.next().await {
        assert!(prober.budget().in_flight() <= 40, "{}", prober.budget().in_flight());
        judged.push(finding.expect("the checker can do its part"));
    }
    drop(check);
    judged.sort_by_key(|finding| finding.index);
    assert!(judged.iter().map(|finding| finding.port).eq(ports), "each once");
    for finding in judged {
        let (verdict, attempts) = match finding.port {
            port if port == listening.port() => (Verdict::Open, 1),
            port if port == silent.port() => (Verdict::NotOpen(Reason::TimedOut), 2),
            _ => (Verdict::NotOpen(Reason::Refused), 2),
        };
        assert_eq!((finding.verdict, finding.attempts), (verdict, attempts), "{finding:?}");
    }
    wait_until("every socket is closed", || prober.budget().in_flight() == 0);
}

#[tokio::test]
async fn others_have_the_processor_while_ports_are_judged_at_once() {
    const PORTS: usize = 1280;
    /// A worker begins 64 attempts before it lets others go on.
    const TURNS: usize = PORTS / 64;
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let check = check(&prober(1, 100), target(V4, unused(PORTS)), LONG).await;
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(findings(check).await.len(), PORTS);
    other.abort();
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= TURNS, "{turns} of {TURNS}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_check_ends_at_its_deadline_or_when_dropped() {
    let (listening, silent) = (Listening::on(V4), Silent::on(V4));
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    for dropped_early in [false, true] {
        let prober = Prober::new(settings, Budget::new(40));
        let second = Duration::from_secs(1);
        let mut check = check(&prober, many(&listening, &silent), second).await;
        if !dropped_early {
            let mut judged = 0;
            let fault = loop {
                match check.next().await.expect("one port never answers") {
                    Ok(_) => judged += 1,
                    Err(fault) => break fault,
                }
            };
            let unjudged = 3002 - judged;
            let expected = format!("deadline passed with {unjudged} of 3002 ports not judged");
            assert!(fault.to_string().ends_with(&expected), "{fault}");
        }
        drop(check);
        wait_until("every socket is closed", || prober.budget().in_flight() == 0);
    }
}

#[tokio::test]
async fn the_deadline_is_a_fault_and_not_a_verdict() {
    let (silent, listening) = (Silent::on(V4), Listening::on(V4));
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let deadline = Duration::from_millis(100);
    let prober = Prober::new(settings, Budget::new(4));
    let target = target(V4, vec![silent.port(), listening.port()]);
    let started = Instant::now();
    let mut check = check(&prober, target, deadline).await;
    assert_eq!(check.next().await.unwrap().unwrap().verdict, Verdict::Open);
    let fault = check.next().await.unwrap().unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Deadline);
    assert!(matches!(fault, Fault::DeadlinePassed { unjudged: 1, ports: 2, .. }), "{fault}");
    let took = started.elapsed();
    assert!(took >= deadline && took < settings.timeout / 2, "{took:?}");
}

#[tokio::test]
async fn a_connection_that_succeeded_is_closed_with_fin() {
    let listening = Listening::on(V4);
    let check = check(&prober(1, 1), target(V4, vec![listening.port()]), LONG).await;
    assert_eq!(findings(check).await[0].verdict, Verdict::Open);
    let (mut peer, _) = listening.listener.accept().unwrap();
    assert_eq!(peer.read(&mut [0]).expect("end of stream, no reset"), 0);
}

fn settings(attempts: u32) -> ProbeSettings {
    ProbeSettings {
        attempts: NonZeroU32::new(attempts).expect("not 0"),
        delay: Duration::from_millis(20),
        timeout: Duration::from_millis(200),
        settle: Duration::ZERO,
    }
}

fn prober(attempts: u32, sockets: usize) -> Prober {
    Prober::new(settings(attempts), Budget::new(sockets))
}

fn target(ip: IpAddr, ports: Vec<Port>) -> Target {
    let policy = Policy { allow_local: true, ..Policy::default() };
    policy.vet(ip, ip, ports).expect("loopback is admitted")
}

async fn check(prober: &Prober, target: Target, deadline: Duration) -> Check {
    let admission = match prober.budget().admit_now(V4, target.ports().len()) {
        Some(admission) => admission,
        None => prober.budget().admit(V4, LONG).await.expect("a socket within a minute"),
    };
    prober.check(admission, target, Probe::Tcp { challenge: None }, deadline)
}

/// All findings, in the order asked.
async fn findings(mut check: Check) -> Vec<Finding> {
    let mut findings = Vec::new();
    while let Some(finding) = check.next().await {
        findings.push(finding.expect("the checker can do its part"));
    }
    findings.sort_by_key(|finding| finding.index);
    findings
}

/// Waits until a check that was dropped has ended.
async fn all_sockets_are_closed(prober: &Prober) {
    let closed = async {
        while prober.budget().in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed).await.expect("they are closed soon");
}
