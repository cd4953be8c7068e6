//! Datagrams between two machines, as the interfaces of one of them show them.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use port_checker_api::UdpQuestion;
use port_checker_testbed::{namespace::Namespace, skip};
use tokio::runtime;

use super::*;
use crate::sights::PeerSights;

/// How long packets may take between namespaces.
const PACKET_TIMEOUT: Duration = Duration::from_secs(5);

const ANSWERED: u16 = 51_820;
const CLOSED: u16 = 51_821;
const DROPPED: u16 = 51_822;
/// Not among those that are watched.
const OTHER: u16 = 51_824;

const FIREWALL: &str = "table inet stops {\n chain input { type filter hook input priority 0\n \
     udp dport 51822 drop\n }\n}\n";

fn port(number: u16) -> TransportPort {
    TransportPort::over(Transport::Udp, Port::new(number).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "an address within the test's network")]
fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    // The error of an earlier datagram is no reason not to send this one.
    let _ = socket.send_to(datagram, to).or_else(|_| socket.send_to(datagram, to));
}

#[test]
fn the_treatment_of_datagrams_from_outside_is_seen() {
    if !skip::is_root() {
        return;
    }
    let (machine, outside) = (Namespace::new(), Namespace::new());
    machine.cable(
        &["192.168.1.10/24", "2001:db8::10/64"],
        &outside,
        &["192.168.1.1/24", "2001:db8::1/64"],
    );
    machine.firewall(FIREWALL);
    let interface = machine.interface_with("192.168.1.10");
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let question = UdpQuestion { token: [7; 16] };
    for (here, there) in [("192.168.1.10", "192.168.1.1"), ("2001:db8::10", "2001:db8::1")] {
        let (here, there): (IpAddr, IpAddr) = (here.parse().unwrap(), there.parse().unwrap());
        let watched = [ANSWERED, CLOSED, DROPPED].map(port);
        let capture = machine.within(|| {
            let _entered = runtime.enter();
            Capture::open(Family::of(here), &watched, &[here]).expect("root may watch")
        });
        let listener = machine.within(|| UdpSocket::bind((here, ANSWERED)).unwrap());
        let checker = outside.within(|| UdpSocket::bind((there, 0)).unwrap());
        // Traffic of the program that has the port is no datagram of a check.
        send(&checker, &[1; 148], (here, DROPPED).into());
        for number in [ANSWERED, CLOSED, DROPPED, OTHER] {
            send(&checker, &question.to_bytes(), (here, number).into());
        }
        let (_, asker) = listener.recv_from(&mut [0; 512]).unwrap();
        send(&listener, b"of the program itself", asker);
        send(&listener, &question.answered(b"0123456789abcdef"), asker);
        let (begun, mut found) = (Instant::now(), HashMap::new());
        let is_complete = |found: &HashMap<TransportPort, Sights>| {
            found.len() == 3 && found[&port(CLOSED)].peers[0].rejection.is_some()
        };
        while !is_complete(&found) && begun.elapsed() < PACKET_TIMEOUT {
            found = machine.within(|| capture.sights());
        }
        let sights = |answered, rejection| {
            let interface = Some(interface.clone());
            let probes = 1;
            let peer = PeerSights { peer: there, interface, probes, answered, rejection };
            Sights { peers: vec![peer] }
        };
        let expected = HashMap::from([
            (port(ANSWERED), sights(true, None)),
            (port(CLOSED), sights(false, Some(LocalRejection::Icmp))),
            (port(DROPPED), sights(false, None)),
        ]);
        assert_eq!((found, capture.lost()), (expected, 0));
    }
}
