//! One transport without a worker, over real sockets.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use port_checker_api::{ChallengeOutcome, UdpQuestion};
use port_checker_testbed::datagrams::Mute;

use super::*;
use crate::Policy;

const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const CHALLENGE: &str = "0123456789abcdef";

fn transport(ports: &[&Mute]) -> UdpTransport {
    let policy = Policy { allow_local: true, ..Policy::default() };
    let ports = ports.iter().map(|port| port.port()).collect();
    let target = Arc::new(policy.vet(IP, IP, ports).unwrap());
    let challenge = Arc::new(CHALLENGE.parse().unwrap());
    let settings = ProbeSettings::default();
    UdpTransport::new(target, settings, challenge, Arc::default(), Arc::default())
}

/// Answers the one datagram that has come.
fn answer(port: &Mute) {
    let (question, checker) = port.read();
    let question = UdpQuestion::parse(&question).expect("a question");
    port.send(&question.answered(CHALLENGE.as_bytes()), checker);
}

fn is_open(state: AttemptState) -> bool {
    let AttemptState::Ended(outcome) = state else { return false };
    outcome.verdict == Verdict::Open && outcome.challenge == Some(ChallengeOutcome::Matched)
}

/// The reactor's thread may get no processor for as long as the time-out.
#[tokio::test]
async fn an_answer_is_read_at_the_time_out_though_no_socket_is_ready() {
    let port = Mute::on(IP);
    let mut transport = transport(&[&port]);
    let mut attempt = transport.begin(0).unwrap();
    answer(&port);
    let late = attempt.until;
    assert!(is_open(transport.advance(&mut attempt, 0, late).unwrap()));
}

/// Reading a socket for one attempt reads the answers to others too, and the reactor then has nothing to report.
#[tokio::test]
async fn an_answer_that_is_read_for_another_attempt_is_not_waited_for() {
    let ports = [Mute::on(IP), Mute::on(IP)];
    let mut transport = transport(&[&ports[0], &ports[1]]);
    let (mut silent, mut answered) = (transport.begin(0).unwrap(), transport.begin(1).unwrap());
    let key = answered.key.expect("a datagram was sent");
    assert!(answered.socket.pending().outcome(key, 1).is_none());
    answer(&ports[1]);
    let late = silent.until;
    let timed_out = Verdict::NotOpen(Reason::TimedOut);
    let state = transport.advance(&mut silent, 0, late).unwrap();
    assert_eq!(state, AttemptState::Ended(AttemptOutcome::of(timed_out, late - silent.began)));
    let soon = Duration::from_secs(5);
    let wait = transport.wait(late + 60 * soon);
    tokio::time::timeout(soon, wait).await.expect("an attempt is ready");
    assert_eq!(transport.ready(), [1]);
    assert!(is_open(transport.advance(&mut answered, 1, late).unwrap()));
}

/// As many as there can be answers, and more: they take the first places in the queue.
#[tokio::test]
async fn an_answer_behind_many_other_datagrams_is_read_at_the_time_out() {
    let port = Mute::on(IP);
    let mut transport = transport(&[&port]);
    let mut attempt = transport.begin(0).unwrap();
    let (question, checker) = port.read();
    for _ in 0..MAX_ATTEMPTS + 50 {
        port.send(b"no answer", checker);
    }
    let question = UdpQuestion::parse(&question).expect("a question");
    port.send(&question.answered(CHALLENGE.as_bytes()), checker);
    let late = attempt.until;
    assert!(is_open(transport.advance(&mut attempt, 0, late).unwrap()));
}

/// A worker that waits leaves the processor to others.
#[tokio::test]
async fn a_wait_lasts_until_its_time_or_until_a_socket_is_ready() {
    let port = Mute::on(IP);
    let mut transport = transport(&[&port]);
    let mut attempt = transport.begin(0).unwrap();
    let now = Instant::now();
    transport.advance(&mut attempt, 7, now).unwrap();
    let until = now + Duration::from_millis(50);
    transport.wait(until).await;
    assert!(Instant::now() >= until, "nothing came");
    answer(&port);
    let wait = transport.wait(now + Duration::from_secs(60));
    tokio::time::timeout(Duration::from_secs(5), wait).await.expect("an answer came");
    assert_eq!(transport.ready(), [7]);
}

/// A large check opens many, one after another.
#[tokio::test]
async fn sockets_that_are_closed_are_forgotten() {
    let port = Mute::on(IP);
    let mut transport = transport(&[&port]);
    for _ in 0..10 {
        drop(transport.begin(0).unwrap());
    }
    assert_eq!(transport.sockets.len(), 1);
}
