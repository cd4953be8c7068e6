//! The engine over real sockets.

use std::{
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use port_checker_probe::{
    Budget, Check, Fault, FaultKind, Finding, Policy, Port, ProbeSettings, Prober, Reason, Verdict,
};
use port_checker_testbed::ports::{Held, Listening, Refusing, Silent};

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
        let findings = findings(prober(1, 10).check(target(ip, ports), LONG)).await;
        for (finding, (port, verdict)) in findings.iter().zip(cases) {
            assert_eq!((finding.port, finding.verdict), (port, verdict), "{ip}");
        }
    }
}

#[tokio::test]
async fn only_success_ends_the_attempts_early() {
    let (listening, refusing, silent) = (Listening::on(V4), Refusing::on(V4), Silent::on(V4));
    let ports = vec![listening.port(), refusing.port(), silent.port()];
    let findings = findings(prober(3, 10).check(target(V4, ports), LONG)).await;
    let attempts: Vec<u32> = findings.iter().map(|finding| finding.attempts).collect();
    assert_eq!(attempts, [1, 3, 3]);
    assert!(findings[2].elapsed >= settings(3).timeout, "the last attempt ran to its time-out");
}

#[tokio::test]
async fn a_listener_that_starts_between_attempts_is_found() {
    let refusing = Refusing::on(V4);
    let settings = ProbeSettings { delay: Duration::from_millis(300), ..settings(10) };
    let mut check =
        Prober::new(settings, Budget::new(1)).check(target(V4, vec![refusing.port()]), LONG);
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
    let findings = findings(prober(1, 50).check(target, LONG)).await;
    assert_eq!(findings.len(), 50);
    let one_after_another = settings(1).timeout * 50;
    assert!(started.elapsed() < one_after_another / 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_budget_is_kept_and_given_back() {
    let silent: Vec<Silent> = (0..9).map(|_| Silent::on(V4)).collect();
    let prober = prober(1, 2);
    let mut check = prober.check(target(V4, silent.iter().map(Held::port).collect()), LONG);
    let mut judged = 0;
    while let Some(finding) = check.next().await {
        assert_eq!(finding.unwrap().verdict, Verdict::NotOpen(Reason::TimedOut));
        assert!(prober.budget().in_flight() <= 2, "{}", prober.budget().in_flight());
        judged += 1;
    }
    assert_eq!((judged, prober.budget().in_flight()), (9, 0));
}

#[tokio::test]
async fn dropping_a_check_closes_its_sockets() {
    let silent = Silent::on(V4);
    let prober = prober(1, 1);
    let mut check = prober.check(target(V4, vec![silent.port()]), LONG);
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, check.next()).await.is_err(), "still waiting");
    assert_eq!(prober.budget().in_flight(), 1);
    drop(check);
    assert_eq!(prober.budget().in_flight(), 0);
}

#[tokio::test]
async fn the_deadline_is_a_fault_and_not_a_verdict() {
    let (silent, listening) = (Silent::on(V4), Listening::on(V4));
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let deadline = Duration::from_millis(100);
    let mut check = Prober::new(settings, Budget::new(2))
        .check(target(V4, vec![silent.port(), listening.port()]), deadline);
    assert_eq!(check.next().await.unwrap().unwrap().verdict, Verdict::Open);
    let fault = check.next().await.unwrap().unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Deadline);
    assert!(matches!(fault, Fault::DeadlinePassed { unjudged: 1, ports: 2, .. }), "{fault}");
}

#[tokio::test]
async fn a_connection_that_succeeded_is_closed_with_fin() {
    let listening = Listening::on(V4);
    let check = prober(1, 1).check(target(V4, vec![listening.port()]), LONG);
    assert_eq!(findings(check).await[0].verdict, Verdict::Open);
    let (mut peer, _) = listening.listener.accept().unwrap();
    assert_eq!(peer.read(&mut [0]).expect("end of stream, no reset"), 0);
}

fn settings(attempts: u32) -> ProbeSettings {
    ProbeSettings {
        attempts: NonZeroU32::new(attempts).expect("not 0"),
        delay: Duration::from_millis(20),
        timeout: Duration::from_millis(200),
    }
}

fn prober(attempts: u32, sockets: usize) -> Prober {
    Prober::new(settings(attempts), Budget::new(sockets))
}

fn target(ip: IpAddr, ports: Vec<Port>) -> port_checker_probe::Target {
    let policy = Policy { allow_local: true, ..Policy::default() };
    policy.vet(ip, ip, ports).expect("loopback is admitted")
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
