//! How often a port is tried, when, and which attempt decides.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use port_checker_probe::{Budget, Finding, Port, ProbeSettings, Prober, Reason, Verdict};
use port_checker_testbed::{
    namespace::Namespace,
    ports::{Held, Listening, Refusing, Silent},
    skip,
};
use socket2::SockRef;

use super::{
    LONG, V4, V6, all_sockets_are_closed, check, findings,
    laboratory::{assert_rejected, rejecting, runtime},
    prober, settings, target,
};

#[tokio::test]
async fn attempts_at_a_silent_port_overlap() {
    let silent = Silent::on(V4);
    let settings = ProbeSettings {
        delay: Duration::from_millis(100),
        timeout: Duration::from_secs(1),
        ..settings(3)
    };
    assert_eq!(settings.longest(), Duration::from_millis(1200));
    let prober = Prober::new(settings, Budget::new(10));
    let started = Instant::now();
    let found = findings(check(&prober, target(V4, vec![silent.port()]), LONG).await).await;
    let took = started.elapsed();
    assert_eq!((found[0].verdict, found[0].attempts), (Verdict::NotOpen(Reason::TimedOut), 3));
    assert!(took >= settings.longest() && took < settings.timeout * 2, "{took:?}");
}

#[tokio::test]
async fn an_answer_outweighs_the_silence_of_later_attempts() {
    let refusing = Refusing::on(V4);
    let port = refusing.port();
    let settings = ProbeSettings { delay: Duration::from_millis(300), ..settings(3) };
    let prober = Prober::new(settings, Budget::new(10));
    let mut check = check(&prober, target(V4, vec![port]), LONG).await;
    let first = Duration::from_millis(100);
    assert!(tokio::time::timeout(first, check.next()).await.is_err(), "refused so far");
    let _silent = refusing.fall_silent();
    let found = check.next().await.unwrap().unwrap();
    assert_eq!((found.verdict, found.attempts), (Verdict::NotOpen(Reason::Refused), 3));
    assert!(found.elapsed < first, "the time of the attempt that decided: {:?}", found.elapsed);
}

#[tokio::test]
async fn the_first_success_ends_the_other_attempts() {
    let silent = Silent::on(V4);
    let settings =
        ProbeSettings { delay: Duration::from_millis(300), timeout: LONG, ..settings(3) };
    let prober = Prober::new(settings, Budget::new(10));
    let mut check = check(&prober, target(V4, vec![silent.port()]), LONG).await;
    let two_begun = Duration::from_millis(450);
    assert!(tokio::time::timeout(two_begun, check.next()).await.is_err(), "no answer yet");
    assert_eq!(prober.budget().in_flight(), 2, "two attempts under way");
    silent.make_room();
    let found = check.next().await.unwrap().unwrap();
    assert_eq!(found.verdict, Verdict::Open);
    assert!(check.next().await.is_none());
    all_sockets_are_closed(&prober).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_at_once_is_no_open_port() {
    /// Of 30: a listener that gets no processor for ten milliseconds is too late. Without the wait it is
    /// one or two.
    const LEAST: usize = 20;
    let settings = ProbeSettings { settle: Duration::from_millis(500), ..settings(1) };
    for ip in [V4, V6] {
        let resets: Vec<Port> = (0..30).map(|_| hanging_up(ip, true)).collect();
        let prober = Prober::new(settings, Budget::new(100));
        let found = findings(check(&prober, target(ip, resets), LONG).await).await;
        let reset = found.iter().filter(|found| found.verdict == RESET).count();
        assert!(reset >= LEAST, "{reset}: {found:?}");
    }
}

#[tokio::test]
async fn a_listener_that_hangs_up_politely_is_open() {
    let settings = ProbeSettings { settle: Duration::from_millis(500), ..settings(1) };
    for ip in [V4, V6] {
        let prober = Prober::new(settings, Budget::new(100));
        let found = findings(check(&prober, target(ip, vec![hanging_up(ip, false)]), LONG).await);
        assert_eq!(found.await[0].verdict, Verdict::Open);
    }
}

#[tokio::test]
async fn a_connection_is_held_no_longer_than_the_setting_allows() {
    let listening = Listening::on(V4);
    for (settle, held) in [(Duration::ZERO, false), (Duration::from_millis(3), true)] {
        let settings = ProbeSettings { settle, ..settings(1) };
        let prober = Prober::new(settings, Budget::new(1));
        let started = Instant::now();
        let found = findings(check(&prober, target(V4, vec![listening.port()]), LONG).await).await;
        assert_eq!(found[0].verdict, Verdict::Open);
        assert!(!held || started.elapsed() >= settle, "{:?}", started.elapsed());
        assert!(found[0].elapsed < Duration::from_secs(1), "the time to connect alone");
    }
}

#[tokio::test]
async fn a_port_that_waits_for_its_next_attempt_holds_no_socket() {
    let refusing = Refusing::on(V4);
    let settings = ProbeSettings { delay: LONG, ..settings(2) };
    let prober = Prober::new(settings, Budget::new(1));
    let mut check = check(&prober, target(V4, vec![refusing.port()]), LONG).await;
    let refused = Duration::from_millis(100);
    assert!(tokio::time::timeout(refused, check.next()).await.is_err(), "one attempt is left");
    assert_eq!(prober.budget().in_flight(), 0);
}

/// The finding of one attempt within a namespace at a port of its loopback interface.
fn found_within(namespace: &Namespace, ip: IpAddr, port: u16) -> Finding {
    let ports = vec![Port::new(port).expect("not 0")];
    let judged = async { findings(check(&prober(1, 1), target(ip, ports), LONG).await).await };
    namespace.within(|| runtime().block_on(judged))[0]
}

/// The kernel has one local port to give, and it is the one that is dialled.
#[test]
fn a_connection_to_itself_is_no_open_port() {
    if !skip::is_root() {
        return;
    }
    let namespace = Namespace::new();
    namespace.sysctl("net.ipv4.ip_local_port_range=40000 40000");
    for ip in [V4, V6] {
        let found = found_within(&namespace, ip, 40_000);
        assert_eq!(found.verdict, Verdict::NotOpen(Reason::Refused), "{ip}");
    }
}

/// This machine speaks here as the target, and not as the checker.
#[test]
fn a_rejection_by_the_target_is_a_verdict_on_this_machine_too() {
    if !skip::is_root() {
        return;
    }
    let namespace = rejecting("tcp", 40_000);
    for ip in [V4, V6] {
        assert_rejected(&found_within(&namespace, ip, 40_000), ip);
    }
}

pub(super) const RESET: Verdict = Verdict::NotOpen(Reason::Reset);

/// A port whose listener accepts one connection and hangs up, with a RST or a FIN.
pub(super) fn hanging_up(ip: IpAddr, with_reset: bool) -> Port {
    let listener = Listening::on(ip).listener;
    let address: SocketAddr = listener.local_addr().expect("a bound socket");
    thread::spawn(move || -> io::Result<()> {
        let (peer, _) = listener.accept()?;
        if with_reset {
            SockRef::from(&peer).set_linger(Some(Duration::ZERO))?;
        }
        Ok(())
    });
    Port::new(address.port()).expect("a bound socket has a port")
}
