//! UDP listeners on loopback, and those that send them datagrams.

use std::{
    future::poll_fn,
    net::UdpSocket,
    pin::pin,
    process::{Command, Stdio},
    sync::Mutex,
    time::Instant,
};

use port_checker_api::UdpAnswer;
use port_checker_testbed::{
    datagrams::unused, namespace::Namespace, ports::LOOPBACK, privilege::without_raw_sockets, skip,
};
use tokio::{runtime::Runtime, select, sync::RwLock, task::spawn_blocking, time::timeout};

use super::*;
use crate::{facts::Process, host::Host};

/// Far beyond the need of an answer over loopback.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Long enough for thousands of polls, if a listener does not wait.
const IDLE_TIME: Duration = Duration::from_millis(100);

/// The first polls, in which a listener finds nothing to read.
const MAX_IDLE_POLLS: usize = 10;

const CHALLENGE: &str = "correct horse battery staple";

/// A machine that has these addresses, one of which is checked.
fn open(family: Family, ports: &[Port], own: &[IpAddr]) -> UdpListeners {
    let challenge = Challenge::try_from(CHALLENGE.to_owned()).unwrap();
    let host = Host { addresses: own.to_vec(), ..Host::default() };
    UdpListeners::open(family, ports, &challenge, PeerFilter::of(&host, own.first().copied()))
}

/// A peer at an address.
fn peer(ip: IpAddr) -> UdpSocket {
    let peer = UdpSocket::bind((ip, 0)).unwrap();
    peer.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
    peer
}

#[expect(clippy::disallowed_methods, reason = "the listener of this test")]
fn send(peer: &UdpSocket, datagram: &[u8], to: IpAddr, port: Port) {
    peer.send_to(datagram, (to, port.get())).unwrap();
}

fn question(number: u8) -> [u8; UDP_DATAGRAM_BYTES] {
    UdpQuestion { token: [number; 16] }.to_bytes()
}

/// A flood fills the kernel's queue of loopback, and datagrams of others are lost. So it is alone.
static LOOPBACK_QUEUE: RwLock<()> = RwLock::const_new(());

/// Runs `work` on another thread while the listeners serve; also returns the ports at which a peer was reported.
async fn while_served<T: Send + 'static>(
    listeners: &UdpListeners,
    work: impl FnOnce() -> T + Send + 'static,
) -> (T, Vec<(Port, IpAddr)>) {
    let _shared = LOOPBACK_QUEUE.read().await;
    served(listeners, work).await
}

async fn served<T: Send + 'static>(
    listeners: &UdpListeners,
    work: impl FnOnce() -> T + Send + 'static,
) -> (T, Vec<(Port, IpAddr)>) {
    let reported = Mutex::new(Vec::new());
    let on_arrival = |port, from| reported.lock().unwrap().push((port, from));
    let done = select! {
        done = spawn_blocking(work) => done.unwrap(),
        never = listeners.serve(on_arrival) => match never {},
    };
    (done, reported.into_inner().unwrap())
}

/// A machine with several addresses would answer from whichever is nearest to the peer.
#[test]
fn answers_leave_from_the_address_that_was_asked() {
    if !skip::is_root() {
        return;
    }
    let machine = Namespace::new();
    for address in ["192.0.2.1/32", "192.0.2.2/32", "2001:db8::1/128", "2001:db8::2/128"] {
        machine.ip(&["address", "add", address, "dev", "lo"]);
    }
    let runtime = Runtime::new().unwrap();
    for [from, to] in [["192.0.2.1", "192.0.2.2"], ["2001:db8::1", "2001:db8::2"]] {
        let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        let port = Port::new(51_820).unwrap();
        let (listeners, peer) = machine.within(|| {
            let _entered = runtime.enter();
            (open(Family::of(to), &[port], &[to, from]), peer(from))
        });
        let asking = move || {
            send(&peer, &question(1), to, port);
            let mut answer = [0; 512];
            let (length, sender) = peer.recv_from(&mut answer).unwrap();
            (answer[..length].to_vec(), sender)
        };
        let ((answer, sender), reported) = runtime.block_on(while_served(&listeners, asking));
        assert_eq!(sender, (to, port.get()).into());
        let read = UdpAnswer::parse(&answer).expect("an answer");
        assert_eq!((read.token, read.challenge), ([1; 16], CHALLENGE.as_bytes()));
        assert!(answer.len() <= UDP_DATAGRAM_BYTES);
        assert_eq!(reported, [(port, from)]);
    }
}

/// As long as nobody asks, they must leave the processor to others.
#[tokio::test]
async fn listeners_that_nobody_asks_wait() {
    let listeners = open(Family::Ipv4, &unused(1), &[LOOPBACK]);
    let mut serve = pin!(listeners.serve(|_, _| ()));
    let mut polls = 0;
    let counted = poll_fn(|context| {
        polls += 1;
        serve.as_mut().poll(context)
    });
    timeout(IDLE_TIME, counted).await.expect_err("it serves without an end");
    assert!(polls <= MAX_IDLE_POLLS, "{polls} polls");
}

#[tokio::test]
async fn only_questions_are_answered_and_counted() {
    let port = unused(1)[0];
    let listeners = open(Family::Ipv4, &[port], &[LOOPBACK]);
    let good = question(1);
    let mut filled = good;
    filled[159] = 1;
    let answer = UdpQuestion { token: [9; 16] }.answered(CHALLENGE.as_bytes());
    let bad: Vec<Vec<u8>> = vec![
        Vec::new(),
        good[..159].to_vec(),
        [&good[..], &[0]].concat(),
        filled.to_vec(),
        vec![0; 1400],
        answer,
    ];
    let asking = move || {
        let peer = peer(LOOPBACK);
        bad.iter().for_each(|datagram| send(&peer, datagram, LOOPBACK, port));
        send(&peer, &question(2), LOOPBACK, port);
        let mut answer = [0; 512];
        let (length, _) = peer.recv_from(&mut answer).unwrap();
        // Datagrams over loopback stay in order.
        UdpAnswer::parse(&answer[..length]).expect("an answer").token
    };
    let (token, _) = while_served(&listeners, asking).await;
    assert_eq!(token, [2; 16]);
    let arrivals = &listeners.arrivals()[&port];
    assert_eq!((arrivals.connections, arrivals.challenges_sent), (1, 1));
}

/// Questions with a forged sender must not make this machine flood that sender.
#[tokio::test]
async fn a_flood_of_questions_gets_few_answers_and_delays_no_other_port() {
    const FLOOD: u64 = 5000;
    let ports = unused(2);
    let (flooded, other) = (ports[0], ports[1]);
    let listeners = open(Family::Ipv4, &ports, &[LOOPBACK]);
    let asking = move || {
        let (flooder, peer, began) = (peer(LOOPBACK), peer(LOOPBACK), Instant::now());
        (0..FLOOD).for_each(|_| send(&flooder, &question(1), LOOPBACK, flooded));
        // As a checker does: the flood may have filled the queue.
        peer.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let asked = (0..ANSWER_TIMEOUT.as_secs()).find(|_| {
            send(&peer, &question(2), LOOPBACK, other);
            peer.recv_from(&mut [0; 512]).is_ok()
        });
        assert!(asked.is_some());
        began.elapsed()
    };
    let _alone = LOOPBACK_QUEUE.write().await;
    let (took, reported) = served(&listeners, asking).await;
    let arrivals = listeners.arrivals();
    assert!(arrivals[&flooded].challenges_sent >= 1);
    let most = 64 * (took.as_secs() + 2);
    assert!(u64::from(arrivals[&flooded].challenges_sent) <= most, "{:?}", arrivals[&flooded]);
    assert!(arrivals[&other].challenges_sent >= 1);
    let answered = arrivals[&flooded].challenges_sent + arrivals[&other].challenges_sent;
    assert_eq!(u32::try_from(reported.len()), Ok(answered), "a flood is no flood of events");
}

/// Programs of this machine may ask, and are no checkers where none is on this machine.
#[tokio::test]
async fn questions_of_this_machine_do_not_count_behind_nat() {
    let port = unused(1)[0];
    let challenge = Challenge::try_from(CHALLENGE.to_owned()).unwrap();
    let host = Host { addresses: vec![LOOPBACK], ..Host::default() };
    let peers = PeerFilter::of(&host, Some([203, 0, 113, 7].into()));
    let listeners = UdpListeners::open(Family::Ipv4, &[port], &challenge, peers);
    let asking = move || {
        let peer = peer(LOOPBACK);
        send(&peer, &question(1), LOOPBACK, port);
        peer.recv_from(&mut [0; 512]).unwrap().0
    };
    let (length, reported) = while_served(&listeners, asking).await;
    assert_eq!((length, reported), (24 + CHALLENGE.len(), vec![]));
    assert_eq!(listeners.arrivals()[&port], Arrivals::default());
}

/// A program with a socket on an address, and what it is to this check.
fn holder(address: &str) -> (UdpSocket, Port, Process) {
    let name = std::fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned();
    let socket = UdpSocket::bind((address.parse::<IpAddr>().unwrap(), 0)).unwrap();
    let port = Port::new(socket.local_addr().unwrap().port()).unwrap();
    (socket, port, Process { pid: std::process::id().try_into().unwrap(), name })
}

const HOLDERS: [(&str, Family, &str); 4] = [
    ("127.0.0.1", Family::Ipv4, "on one address"),
    ("0.0.0.0", Family::Ipv4, "on all addresses"),
    ("::", Family::Ipv4, "on those of both families"),
    ("::", Family::Ipv6, "the same over the other family"),
];

#[test]
fn the_program_that_holds_a_port_is_named_where_raw_sockets_are_not_permitted() {
    let runtime = Runtime::new().unwrap();
    for (address, family, why) in HOLDERS {
        let (_held, port, process) = holder(address);
        let listeners = without_raw_sockets(|| {
            let _entered = runtime.enter();
            open(family, &[port], &[LOOPBACK])
        });
        let listens_on = vec![address.parse().unwrap()];
        let expected = Local::InUse { by: Some(process), listens_on, waiting: 0 };
        assert_eq!(listeners.local(port), &expected, "{why}");
        assert_eq!(listeners.arrivals(), HashMap::new(), "{why}");
    }
}

#[tokio::test]
async fn a_port_that_another_program_holds_is_answered_beside_it() {
    if !skip::is_root() {
        return;
    }
    for (address, family, why) in HOLDERS {
        let (held, port, process) = holder(address);
        let listeners = open(family, &[port], &[family.loopback()]);
        let listens_on = vec![address.parse().unwrap()];
        let expected = Local::Shared { by: Some(process), listens_on };
        assert_eq!(listeners.local(port), &expected, "{why}");
        let to = family.loopback();
        let asking = move || {
            let peer = peer(to);
            // Traffic of the program, which is nobody else's.
            send(&peer, &[4; 148], to, port);
            send(&peer, &question(1), to, port);
            let mut answer = [0; 512];
            let (length, from) = peer.recv_from(&mut answer).unwrap();
            assert_eq!(from, (to, port.get()).into());
            UdpAnswer::parse(&answer[..length]).map(|answer| answer.challenge.to_vec())
        };
        let (challenge, reported) = while_served(&listeners, asking).await;
        assert_eq!(challenge.as_deref(), Some(CHALLENGE.as_bytes()), "{why}");
        assert_eq!(reported, [(port, to)], "{why}");
        let arrivals = &listeners.arrivals()[&port];
        assert_eq!((arrivals.connections, arrivals.challenges_sent), (1, 1), "{why}");
        // The program got both.
        held.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
        let lengths = [(); 2].map(|()| held.recv(&mut [0; 512]).unwrap());
        assert_eq!(lengths, [148, UDP_DATAGRAM_BYTES], "{why}");
    }
}

/// The system refuses datagrams to an address that the program does not have, and those of strangers to a connected
/// socket; an answer beside it would hide that.
#[tokio::test]
async fn a_program_that_would_not_get_the_datagram_is_not_answered_for() {
    if !skip::is_root() {
        return;
    }
    let (elsewhere, port, _) = holder("127.0.0.9");
    let (connected, client, _) = holder("127.0.0.1");
    #[expect(clippy::disallowed_methods, reason = "connecting a UDP socket sends nothing")]
    connected.connect("127.0.0.1:9").unwrap();
    for (port, to) in [(port, LOOPBACK), (client, LOOPBACK)] {
        let listeners = open(Family::Ipv4, &[port], &[LOOPBACK]);
        assert!(matches!(listeners.local(port), Local::Shared { .. }));
        let asking = move || {
            let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
            peer.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
            #[expect(clippy::disallowed_methods, reason = "the listener of this test")]
            peer.connect((to, port.get())).unwrap();
            peer.send(&question(1)).unwrap();
            peer.recv(&mut [0; 512]).map_err(|error| error.kind())
        };
        let (answer, reported) = while_served(&listeners, asking).await;
        assert_eq!(answer, Err(std::io::ErrorKind::ConnectionRefused));
        assert_eq!(reported, []);
    }
    drop(elsewhere);
}

#[tokio::test]
async fn of_a_program_and_its_child_with_the_same_socket_the_program_is_named() {
    let (held, port, process) = holder("127.0.0.1");
    socket2::SockRef::from(&held).set_cloexec(false).unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let listeners = open(Family::Ipv4, &[port], &[LOOPBACK]);
    child.kill().and_then(|()| child.wait()).unwrap();
    let (Local::InUse { by, .. } | Local::Shared { by, .. }) = listeners.local(port) else {
        panic!("{:?}", listeners.local(port));
    };
    assert_eq!(by, &Some(process));
}

#[tokio::test]
async fn a_thousand_ports_of_both_families_answer_at_once() {
    let ports = unused(1000);
    let v6 = Family::Ipv6.loopback();
    let all = [open(Family::Ipv4, &ports, &[LOOPBACK]), open(Family::Ipv6, &ports, &[v6])];
    for (listeners, ip) in all.iter().zip([LOOPBACK, v6]) {
        assert!(ports.iter().all(|port| *listeners.local(*port) == Local::Bound));
        let asked = ports.clone();
        let asking = move || {
            let peer = peer(ip);
            for port in asked {
                send(&peer, &question(1), ip, port);
                let (_, from) = peer.recv_from(&mut [0; 512]).unwrap();
                assert_eq!(from, (ip, port.get()).into());
            }
        };
        let ((), reported) = while_served(listeners, asking).await;
        assert_eq!(reported.len(), ports.len());
    }
}
