//! Who sends what to a responder, and what comes back from where.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::sys::socket::{setsockopt, sockopt};
use port_checker_api::{UDP_DATAGRAM_BYTES, UdpQuestion};
use port_checker_client::{Challenge, UdpResponder};
use port_checker_testbed::{datagrams::Mute, namespace::Namespace, ports::LOOPBACK, skip};
use tokio::runtime::Builder;

const CHALLENGE: &str = "correct horse battery staple";
const QUESTION: UdpQuestion = UdpQuestion { token: *b"sixteen bytes it" };

/// How often a responder is asked, and how long each time.
const ATTEMPTS: usize = 10;
const ATTEMPT_TIME: Duration = Duration::from_secs(1);

fn challenge() -> Challenge {
    CHALLENGE.parse().expect("a challenge")
}

/// What `ask` returns while a responder listens on `address`; it is given the port.
fn while_answered<T: Send + 'static>(
    address: &str,
    ask: impl FnOnce(u16) -> T + Send + 'static,
) -> T {
    let socket = UdpSocket::bind(address).expect("a free port");
    while_socket_is_answered(socket, ask)
}

fn while_socket_is_answered<T: Send + 'static>(
    socket: UdpSocket,
    ask: impl FnOnce(u16) -> T + Send + 'static,
) -> T {
    let port = socket.local_addr().expect("a bound socket").port();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    // Threads that are made later belong to the namespace of this one.
    let asked = std::thread::spawn(move || ask(port));
    runtime.block_on(async {
        let responder = UdpResponder::from_socket(socket, challenge()).expect("a socket");
        let asked = tokio::task::spawn_blocking(|| asked.join().expect("no panic"));
        tokio::select! {
            error = responder.run() => panic!("{error}"),
            asked = asked => asked.expect("no panic"),
        }
    })
}

/// Asks `to` from `from`, and returns the answer and the address that it came from. Asks again like a checker: the
/// kernel drops datagrams, those over loopback too, where others flood its queues.
fn asked(from: IpAddr, to: SocketAddr) -> (Vec<u8>, SocketAddr) {
    let asker = Mute::on(from);
    let mut answers = (0..ATTEMPTS).map(|_| {
        asker.send(&QUESTION.to_bytes(), to);
        asker.read_within(ATTEMPT_TIME)
    });
    answers.find_map(|answer| answer).expect("an answer")
}

/// The kernel's own choice would be the address nearest to the asker, and no checker takes an answer from there.
#[test]
fn the_answer_leaves_from_the_address_that_was_asked() {
    if !skip::is_root() {
        return;
    }
    let machine = Namespace::new();
    machine.ip(&["address", "add", "192.0.2.7/32", "dev", "lo"]);
    machine.ip(&["address", "add", "fd00::7/128", "dev", "lo", "nodad"]);
    let cases = [
        ("0.0.0.0:0", "192.0.2.7", "127.0.0.1", "one of several of IPv4"),
        ("0.0.0.0:0", "127.0.0.1", "192.0.2.7", "the other"),
        ("[::]:0", "fd00::7", "::1", "one of several of IPv6"),
        ("[::]:0", "::1", "fd00::7", "the other"),
        ("[::]:0", "192.0.2.7", "127.0.0.1", "IPv4 at a socket of both families"),
        ("192.0.2.7:0", "192.0.2.7", "127.0.0.1", "the one it is bound to"),
        ("[fd00::7]:0", "fd00::7", "::1", "the one it is bound to"),
    ];
    for (bound, to, from, why) in cases {
        let (to, from): (IpAddr, IpAddr) = (to.parse().unwrap(), from.parse().unwrap());
        let (answer, answerer, port) = machine.within(|| {
            while_answered(bound, move |port| {
                let (answer, answerer) = asked(from, (to, port).into());
                (answer, answerer, port)
            })
        });
        assert_eq!(answerer, SocketAddr::new(to, port), "{why}");
        assert_eq!(answer, QUESTION.answered(CHALLENGE.as_bytes()), "{why}");
        assert!(answer.len() < UDP_DATAGRAM_BYTES, "{why}");
    }
}

/// An answer to anything else would be of use to attackers; and it goes on afterwards.
#[test]
fn only_questions_are_answered_each_once() {
    let good = QUESTION.to_bytes();
    let mut filled = good;
    filled[159] = 1;
    let others = vec![
        Vec::new(),
        good[..159].to_vec(),
        [&good[..], &[0]].concat(),
        [&good[..], &[0; 1_400]].concat(),
        filled.to_vec(),
        QUESTION.answered(CHALLENGE.as_bytes()),
        b"\x1b[31mhello\r\n".to_vec(),
    ];
    let (answer, further) = while_answered("127.0.0.1:0", move |port| {
        let (asker, to) = (Mute::on(LOOPBACK), SocketAddr::new(LOOPBACK, port));
        for other in others {
            asker.send(&other, to);
        }
        asker.send(&good, to);
        let answer = asker.read().0;
        asker.send(&UdpQuestion { token: [7; 16] }.to_bytes(), to);
        (answer, asker.read().0)
    });
    assert_eq!(answer, QUESTION.answered(CHALLENGE.as_bytes()), "none before it");
    assert_eq!(further, UdpQuestion { token: [7; 16] }.answered(CHALLENGE.as_bytes()), "or since");
}

/// All machines of a network would answer.
#[expect(clippy::disallowed_methods, reason = "the broadcast address of loopback")]
#[test]
fn a_question_to_all_machines_is_not_answered() {
    let answer = while_answered("0.0.0.0:0", |port| {
        let asker = UdpSocket::bind("127.0.0.1:0").unwrap();
        asker.set_broadcast(true).unwrap();
        let other = UdpQuestion { token: [7; 16] };
        asker.send_to(&other.to_bytes(), ("127.255.255.255", port)).unwrap();
        asker.send_to(&QUESTION.to_bytes(), ("127.0.0.1", port)).unwrap();
        asker.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0; UDP_DATAGRAM_BYTES];
        let length = asker.recv(&mut answer).unwrap();
        answer[..length].to_vec()
    });
    assert_eq!(answer, QUESTION.answered(CHALLENGE.as_bytes()));
}

/// A socket that is told of ICMP messages fails for each asker that is gone.
#[test]
fn askers_that_are_gone_do_not_stop_it() {
    const GONE: usize = 200;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    setsockopt(&socket, sockopt::Ipv4RecvErr, &true).unwrap();
    let answer = while_socket_is_answered(socket, |port| {
        let to = SocketAddr::new(LOOPBACK, port);
        for _ in 0..GONE {
            Mute::on(LOOPBACK).send(&QUESTION.to_bytes(), to);
        }
        let asker = Mute::on(LOOPBACK);
        // The answer itself may be lost to the error of an earlier one: a checker asks again.
        loop {
            asker.send(&QUESTION.to_bytes(), to);
            if let Some(answer) = asker.read_within(Duration::from_millis(100)) {
                return answer.0;
            }
        }
    });
    assert_eq!(answer, QUESTION.answered(CHALLENGE.as_bytes()));
}

#[tokio::test]
async fn who_asked_and_whether_the_answer_left() {
    let responder = UdpResponder::bind("[::]:0".parse().unwrap(), challenge()).unwrap();
    let port = responder.local_addr().unwrap().port();
    for (to, from) in [("127.0.0.2", "127.0.0.1"), ("::1", "::1")] {
        let (to, from): (IpAddr, IpAddr) = (to.parse().unwrap(), from.parse().unwrap());
        let asker = tokio::task::spawn_blocking(move || asked(from, (to, port).into()));
        let arrival = responder.answer_next().await.unwrap();
        assert_eq!((arrival.from.ip(), arrival.to), (from, to));
        assert!(arrival.answer.is_ok(), "{arrival:?}");
        asker.await.unwrap();
    }
}

#[tokio::test]
async fn a_port_that_another_program_has() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = UdpResponder::bind(other.local_addr().unwrap(), challenge()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

/// Such as those that came before its socket was handed over.
#[tokio::test]
async fn questions_that_were_there_before_it_are_answered() {
    for (bound, to) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("0.0.0.0:0", "127.0.0.2"),
        ("[::1]:0", "::1"),
        ("[::]:0", "::1"),
        ("[::]:0", "127.0.0.2"),
    ] {
        let socket = UdpSocket::bind(bound).unwrap();
        let to: IpAddr = to.parse().unwrap();
        let asker = Mute::on(if to.is_ipv4() { LOOPBACK } else { Ipv6Addr::LOCALHOST.into() });
        let to = SocketAddr::from((to, socket.local_addr().unwrap().port()));
        asker.send(&QUESTION.to_bytes(), to);
        let responder = UdpResponder::from_socket(socket, challenge()).unwrap();
        let arrival = responder.answer_next().await.unwrap();
        assert_eq!(
            (arrival.to, arrival.answer.is_ok()),
            (to.ip(), true),
            "{bound} {to}: {arrival:?}"
        );
        assert_eq!(asker.read().1, to, "{bound} {to}");
    }
}

/// A flood of datagrams, questions or not, does not take the thread from other tasks.
#[tokio::test]
async fn others_have_the_processor_during_a_flood() {
    const TURNS: usize = 1_000;
    let responder = UdpResponder::bind("127.0.0.1:0".parse().unwrap(), challenge()).unwrap();
    let to = responder.local_addr().unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&ended);
    let flood = std::thread::spawn(move || {
        let stranger = Mute::on(LOOPBACK);
        while !ends.load(Ordering::Relaxed) {
            stranger.send(b"PRTCHK1? or not", to);
            stranger.send(&QUESTION.to_bytes(), to);
        }
    });
    responder.answer_next().await.unwrap();
    let other = async {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        error = responder.run() => panic!("{error}"),
        () = other => {}
    }
    ended.store(true, Ordering::Relaxed);
    flood.join().unwrap();
}
