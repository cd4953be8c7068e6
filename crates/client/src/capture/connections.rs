//! Connections between two machines, as the interfaces of one of them show them.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{namespace::Namespace, privilege::without_raw_sockets, skip};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::{self, Runtime};

use super::{
    crafted::{ICMP, RST_ACK, SYN, SYN_ACK, TCP, icmp, ipv4, tcp},
    *,
};
use crate::sights::PeerSights;

/// Far beyond the need of a packet between namespaces.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The same for the packets of a test: it then goes on, and fails by what it has seen.
const PACKET_TIMEOUT: Duration = Duration::from_secs(5);

const LISTENING: u16 = 7466;
const CLOSED: u16 = 7467;
const DROPPED: u16 = 7468;
const REJECTED: u16 = 7469;

const FIREWALL: &str = "table inet stops {\n chain input { type filter hook input priority 0\n \
     tcp dport 7468 drop\n tcp dport 7469 reject\n }\n}\n";

const HERE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const THERE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// An address of this machine that is not among those it is watched for.
const BEHIND: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 20);

/// A machine with a firewall, and another one on its cable.
struct Network {
    machine: Namespace,
    outside: Namespace,
    interface: String,
    runtime: Runtime,
}

impl Network {
    fn new() -> Self {
        let (machine, outside) = (Namespace::new(), Namespace::new());
        let (near, far) =
            (["192.168.1.10/24", "2001:db8::10/64"], ["192.168.1.1/24", "2001:db8::1/64"]);
        machine.cable(&near, &outside, &far);
        machine.firewall(FIREWALL);
        let interface = machine.interface_with("192.168.1.10");
        machine.ip(&["address", "add", "192.168.1.20/24", "dev", &interface]);
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { machine, outside, interface, runtime }
    }

    fn watch(&self, own: IpAddr, ports: &[u16]) -> Capture {
        let ports: Vec<_> = ports.iter().map(|&port| tcp_port(port)).collect();
        let family = Family::of(own);
        let open = || {
            let _entered = self.runtime.enter();
            Capture::open(family, &ports, &[family.loopback(), own]).expect("root may watch")
        };
        self.machine.within(open)
    }

    /// By TCP port.
    fn sights(&self, capture: &Capture) -> HashMap<u16, Sights> {
        let sights = self.machine.within(|| capture.sights()).into_iter();
        sights.map(|(port, sights)| (port.port.get(), sights)).collect()
    }

    fn listen(&self, address: impl Into<IpAddr> + Send, port: u16) -> TcpListener {
        self.machine.within(|| TcpListener::bind((address.into(), port)).expect("a free port"))
    }

    /// Sends a packet from outside, with the sender that it names.
    fn send(&self, packets: &[Vec<u8>], to: Ipv4Addr) {
        self.outside.within(|| {
            let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).unwrap();
            let to = SocketAddr::from((to, 0)).into();
            for packet in packets {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a packet within the test's network"
                )]
                raw.send_to(packet, &to).expect("a route");
            }
        });
    }
}

fn tcp_port(number: u16) -> TransportPort {
    TransportPort::from(Port::new(number).unwrap())
}

fn wait_for_packets(mut have_come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !have_come() && begun.elapsed() < PACKET_TIMEOUT {
        thread::yield_now();
    }
}

fn connect(namespace: &Namespace, address: SocketAddr) -> Option<ErrorKind> {
    #[expect(clippy::disallowed_methods, reason = "an address within the test's network")]
    let connect = || TcpStream::connect_timeout(&address, ANSWER_TIMEOUT);
    namespace.within(connect).err().map(|error| error.kind())
}

/// Begins to connect, and does not wait.
fn begin_to_connect(namespace: &Namespace, address: SocketAddr) -> Socket {
    namespace.within(|| {
        let attempt = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        attempt.set_nonblocking(true).unwrap();
        #[expect(clippy::disallowed_methods, reason = "an address within the test's network")]
        let _begun = attempt.connect(&address.into());
        attempt
    })
}

#[test]
fn the_treatment_of_connections_from_outside_is_seen() {
    if !skip::is_root() {
        return;
    }
    let network = Network::new();
    for (here, there) in [("192.168.1.10", "192.168.1.1"), ("2001:db8::10", "2001:db8::1")] {
        let (here, there): (IpAddr, IpAddr) = (here.parse().unwrap(), there.parse().unwrap());
        let capture = network.watch(here, &[LISTENING, CLOSED, DROPPED, REJECTED]);
        let _listeners = [network.listen(here, LISTENING), network.listen(here, 80)];
        let at = |port| SocketAddr::new(here, port);
        assert_eq!(connect(&network.outside, at(LISTENING)), None);
        assert_eq!(connect(&network.outside, at(80)), None, "nobody asked about it");
        assert_eq!(connect(&network.outside, at(CLOSED)), Some(ErrorKind::ConnectionRefused));
        assert!(connect(&network.outside, at(REJECTED)).is_some());
        let _attempt = begin_to_connect(&network.outside, at(DROPPED));
        wait_for_packets(|| network.sights(&capture).len() == 4);
        let sights = |answered, rejection| {
            let interface = Some(network.interface.clone());
            Sights {
                peers: vec![PeerSights { peer: there, interface, probes: 1, answered, rejection }],
            }
        };
        let expected = HashMap::from([
            (LISTENING, sights(true, None)),
            (CLOSED, sights(false, Some(LocalRejection::Reset))),
            (DROPPED, sights(false, None)),
            (REJECTED, sights(false, Some(LocalRejection::Icmp))),
        ]);
        let mut found = network.sights(&capture);
        // The kernel sends again what is not answered.
        for port in [DROPPED, REJECTED] {
            found.get_mut(&port).expect("it came").peers[0].probes = 1;
        }
        assert_eq!((found, capture.lost()), (expected, 0));
    }
}

/// Programs of this machine, connections to other addresses, frames for other machines, and this machine's own
/// connections to a port of the same number say nothing about the way in.
#[test]
fn other_connections_are_no_sights() {
    if !skip::is_root() {
        return;
    }
    let network = Network::new();
    let capture = network.watch(HERE.into(), &[LISTENING, CLOSED]);
    let _listener = network.listen(Ipv4Addr::UNSPECIFIED, LISTENING);
    assert_eq!(connect(&network.machine, (HERE, LISTENING).into()), None);
    assert_eq!(connect(&network.outside, (BEHIND, LISTENING).into()), None);
    let refused = Some(ErrorKind::ConnectionRefused);
    assert_eq!(connect(&network.machine, (HERE, CLOSED).into()), refused);
    assert_eq!(connect(&network.machine, (THERE, LISTENING).into()), refused);
    assert_eq!(network.sights(&capture), HashMap::new());

    let far = network.outside.interface_with("192.168.1.1");
    let elsewhere = ["lladdr", "02:00:00:00:00:99", "dev", &far];
    network.outside.ip(&[&["neigh", "replace", "192.168.1.10"], &elsewhere[..]].concat());
    let _attempt = begin_to_connect(&network.outside, (HERE, LISTENING).into());
    network.outside.ip(&["neigh", "del", "192.168.1.10", "dev", &far]);
    assert_eq!(connect(&network.outside, (HERE, CLOSED).into()), refused, "it came later");
    let ports: Vec<_> = network.sights(&capture).into_keys().collect();
    assert_eq!(ports, [CLOSED]);
}

/// Another machine may send under the address of this one: what it claims is no answer of this machine.
#[test]
fn forged_answers_from_outside_are_no_sights() {
    if !skip::is_root() {
        return;
    }
    let network = Network::new();
    let capture = network.watch(HERE.into(), &[LISTENING, CLOSED]);
    let forged = |flags| ipv4(TCP, HERE, BEHIND, &tcp(LISTENING, 40_000, flags));
    let quoted = ipv4(TCP, THERE, HERE, &tcp(40_000, LISTENING, SYN));
    let message = ipv4(ICMP, HERE, BEHIND, &icmp(3, 3, &quoted));
    network.send(&[forged(SYN_ACK), forged(RST_ACK), message], BEHIND);
    network.send(&[ipv4(TCP, THERE, HERE, &tcp(40_000, CLOSED, SYN))], HERE);
    wait_for_packets(|| network.sights(&capture).contains_key(&CLOSED));
    let ports: Vec<_> = network.sights(&capture).into_keys().collect();
    assert_eq!(ports, [CLOSED]);
}

#[test]
fn a_usual_user_may_not_watch() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opened = without_raw_sockets(|| {
        let _entered = runtime.enter();
        Capture::open(Family::Ipv4, &[tcp_port(7466)], &[HERE.into()]).map(|_| ())
    });
    assert!(matches!(opened, Err(CaptureError::NotPermitted)), "{opened:?}");
}
