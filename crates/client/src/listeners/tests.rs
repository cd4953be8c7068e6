//! Listeners on loopback, and those that connect to them.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream as Peer},
    time::Instant,
};

use nix::errno::Errno;
use port_checker_testbed::{
    namespace::{self, Namespace},
    ports::{Held, LOOPBACK, Listening, unused},
    process::wait_until,
    skip,
};

use super::*;
use crate::{facts::Process, host::Host};

/// Far beyond the need of any answer over loopback.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// An address that is checked of a machine behind a router.
const OUTSIDE: &str = "203.0.113.7";

const CHALLENGE: &str = "0123456789abcdef";

/// A machine that has only its loopback addresses; connections from there count if loopback is checked.
fn peers(checked: &str) -> PeerFilter {
    let host = Host { addresses: Family::ALL.map(Family::loopback).into(), ..Host::default() };
    PeerFilter::of(&host, Some(checked.parse().unwrap()))
}

async fn open(family: Family, ports: &[Port]) -> Listeners {
    open_for(peers("127.0.0.1"), family, ports).await
}

async fn open_for(peers: PeerFilter, family: Family, ports: &[Port]) -> Listeners {
    let challenge = Challenge::try_from(CHALLENGE.to_owned()).unwrap();
    Listeners::open(family, ports, &challenge, peers).await
}

fn connect(ip: IpAddr, port: Port) -> Peer {
    #[expect(clippy::disallowed_methods, reason = "the listener of this test")]
    let peer = Peer::connect_timeout(&(ip, port.get()).into(), ANSWER_TIMEOUT).unwrap();
    peer.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
    peer
}

/// Runs `work` on another thread while the listeners serve; also returns the ports at which a peer was reported.
async fn while_served<T: Send + 'static>(
    listeners: &Listeners,
    permits: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> (T, Vec<(Port, IpAddr)>) {
    let (reported, permits) = (Mutex::new(Vec::new()), Semaphore::new(permits));
    let on_arrival = |port, from| reported.lock().unwrap().push((port, from));
    let done = select! {
        done = spawn_blocking(work) => done.unwrap(),
        never = listeners.serve(&permits, on_arrival) => match never {},
    };
    (done, reported.into_inner().unwrap())
}

#[tokio::test]
async fn a_port_can_be_listened_on_over_both_families_at_once() {
    let ports = unused(1);
    let v6 = open(Family::Ipv6, &ports).await;
    let v4 = open(Family::Ipv4, &ports).await;
    assert_eq!([v6.local(ports[0]), v4.local(ports[0])], [&Local::Bound, &Local::Bound]);
}

/// Nothing of a family can arrive at a machine that has no address of it: that the kernel lets it listen means
/// nothing.
#[tokio::test]
async fn a_machine_without_an_address_of_the_family_does_not_listen() {
    let ports = unused(1);
    let nowhere = PeerFilter::of(&Host::default(), None);
    let listeners = open_for(nowhere, Family::Ipv4, &ports).await;
    assert_eq!(listeners.local(ports[0]), &Local::FamilyMissing);
    TcpListener::bind((LOOPBACK, ports[0].get())).expect("nobody listens there");
}

#[tokio::test]
async fn the_program_that_holds_a_port_is_named_with_its_queue() {
    let (holder, free) = (Listening::on(LOOPBACK), unused(1)[0]);
    let held = holder.port();
    let listeners = open(Family::Ipv4, &[held, free]).await;
    let name = std::fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned();
    let this = Process { pid: std::process::id().try_into().unwrap(), name };
    let in_use = Local::InUse { by: Some(this), listens_on: vec![LOOPBACK], waiting: 0 };
    assert_eq!((listeners.local(held), listeners.local(free)), (&in_use, &Local::Bound));
    assert_eq!(listeners.waiting().await, HashMap::from([(held.get(), 0)]));
    let _peers = [connect(LOOPBACK, held), connect(LOOPBACK, held)];
    let queue = || waiting(Family::Ipv4, &HashSet::from([held.get()]))[&held.get()];
    wait_until("both are in the queue", || queue() == 2);
    assert_eq!(listeners.waiting().await, HashMap::from([(held.get(), 2)]), "it takes none");
    assert_eq!(open(Family::Ipv4, &unused(1)).await.waiting().await, HashMap::new());
}

#[tokio::test]
async fn every_peer_gets_the_challenge_and_is_recorded() {
    let ports = unused(2);
    let listeners = open(Family::Ipv4, &ports).await;
    let visited = ports[0];
    let visit = move || {
        let mut text = String::new();
        for _ in 0..2 {
            let mut peer = connect(LOOPBACK, visited);
            peer.shutdown(Shutdown::Write).unwrap();
            peer.read_to_string(&mut text).unwrap();
        }
        text
    };
    let (text, reported) = while_served(&listeners, 1, visit).await;
    assert_eq!(text, format!("{CHALLENGE}\n{CHALLENGE}\n"));
    assert_eq!(reported, [(visited, LOOPBACK); 2]);
    let from = vec![LOOPBACK];
    let recorded = Arrivals { connections: 2, challenges_sent: 2, from, half_open: vec![] };
    let expected = HashMap::from([(visited, recorded), (ports[1], Arrivals::default())]);
    assert_eq!(listeners.arrivals(), expected);
}

/// Programs of this machine connect to its ports too, to look whether they work.
#[tokio::test]
async fn a_program_of_this_machine_is_answered_and_does_not_count() {
    let ports = unused(1);
    let listeners = open_for(peers(OUTSIDE), Family::Ipv4, &ports).await;
    let port = ports[0];
    let visit = move || {
        let mut text = String::new();
        let mut peer = connect(LOOPBACK, port);
        peer.shutdown(Shutdown::Write).unwrap();
        peer.read_to_string(&mut text).unwrap();
        text
    };
    let (text, reported) = while_served(&listeners, 1, visit).await;
    assert_eq!((text, reported), (format!("{CHALLENGE}\n"), vec![]));
    assert_eq!(listeners.arrivals(), HashMap::from([(port, Arrivals::default())]));
}

/// Whatever a checker sends first, it must get the challenge instead of a reset, which would look like a closed port;
/// and once it has hung up, the next one must not wait.
#[tokio::test]
async fn a_peer_that_talks_is_listened_to_until_it_hangs_up() {
    let ports = unused(1);
    let listeners = open(Family::Ipv4, &ports).await;
    let port = ports[0];
    let visit = move || {
        let mut peer = connect(LOOPBACK, port);
        for _ in 0..16 {
            peer.write_all(&[b'x'; 256]).unwrap();
        }
        let mut text = vec![0; CHALLENGE.len() + 1];
        peer.read_exact(&mut text).unwrap();
        peer.set_nonblocking(true).unwrap();
        let open = peer.read(&mut [0]).unwrap_err().kind();
        peer.set_nonblocking(false).unwrap();
        let began = Instant::now();
        peer.shutdown(Shutdown::Write).unwrap();
        (text, open, peer.read_to_end(&mut Vec::new()).unwrap(), began.elapsed())
    };
    let ((text, open, further, wait), _) = while_served(&listeners, 1, visit).await;
    assert_eq!(String::from_utf8(text).unwrap(), format!("{CHALLENGE}\n"));
    assert_eq!((open, further), (ErrorKind::WouldBlock, 0), "it stays open until then");
    assert!(wait < CLOSE_TIMEOUT, "{wait:?}");
}

/// Connections whose answer a firewall of this machine drops: they are noted if they may be a checker's.
#[tokio::test]
async fn connections_that_cannot_be_completed_are_noted() {
    if !skip::is_root() {
        return;
    }
    if !namespace::is_within() {
        let machine = Namespace::new();
        machine.firewall(
            "table inet lost {\n chain output { type filter hook output priority 0; \
             tcp flags & (syn | ack) == syn | ack drop; }\n}\n",
        );
        let name = "listeners::tests::connections_that_cannot_be_completed_are_noted";
        return machine.run_test(name);
    }
    let ports = unused(3);
    let listeners = open(Family::Ipv4, &ports[..2]).await;
    let of_strangers = open_for(peers(OUTSIDE), Family::Ipv4, &ports[2..]).await;
    assert_eq!((listeners.open.len(), of_strangers.open.len()), (2, 1), "all are free");
    let _attempts = [begin_to_connect(ports[0]), begin_to_connect(ports[2])];
    wait_until("the kernel knows of both", || half_open(Family::Ipv4).len() == 2);
    listeners.note_half_open().await;
    of_strangers.note_half_open().await;
    let begun = Arrivals { half_open: vec![LOOPBACK], ..Arrivals::default() };
    let expected = HashMap::from([(ports[0], begun), (ports[1], Arrivals::default())]);
    assert_eq!(listeners.arrivals(), expected);
    let none = HashMap::from([(ports[2], Arrivals::default())]);
    assert_eq!(of_strangers.arrivals(), none, "no checker outside comes from loopback");
    drop(listeners);
    let begun = half_open(Family::Ipv4);
    assert!(begun.iter().any(|(port, _)| *port == ports[0].get()), "it outlives its listener");
    let again = open(Family::Ipv4, &ports[..1]).await;
    again.note_half_open().await;
    let none = HashMap::from([(ports[0], Arrivals::default())]);
    assert_eq!(again.arrivals(), none, "it was begun before");
}

fn begin_to_connect(port: Port) -> Socket {
    let attempt = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    attempt.set_nonblocking(true).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the listener of this test")]
    let begun = attempt.connect(&SocketAddr::new(LOOPBACK, port.get()).into()).unwrap_err();
    assert_eq!(begun.raw_os_error(), Some(Errno::EINPROGRESS as i32));
    attempt
}
