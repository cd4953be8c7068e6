//! Captures in namespaces, at interfaces without a link layer, into which any packet can be put.

use std::{
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    time::Duration,
};

use nix::sys::socket::bind;
use port_checker_testbed::{injector::Injector, namespace::Namespace, skip};
use tokio::{
    runtime::Runtime,
    time::{sleep, timeout},
};

use super::*;

const ADDRESSES: [(Family, &str, &str); 2] =
    [(Family::Ipv4, "192.0.2.1", "198.51.100.1"), (Family::Ipv6, "2001:db8:9::9", "2001:db8::1")];

/// How long a capture may take to notice an event.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn tcp_port(number: u16) -> TransportPort {
    TransportPort::from(Port::new(number).unwrap())
}

fn ports(numbers: impl IntoIterator<Item = u16>) -> Vec<TransportPort> {
    numbers.into_iter().map(tcp_port).collect()
}

struct Laboratory {
    namespace: Namespace,
    injector: Injector,
    runtime: Runtime,
}

impl Laboratory {
    fn new() -> Self {
        let namespace = Namespace::new();
        let injector = Injector::into(&namespace, &["192.0.2.1/24", "2001:db8:9::9/64"]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { namespace, injector, runtime: runtime.unwrap() }
    }

    fn capture(&self, family: Family, ports: &[TransportPort], own: &str) -> Capture {
        let entered = self.runtime.handle().clone();
        self.namespace.within(|| {
            let _entered = entered.enter();
            Capture::open(family, ports, &[ip(own)]).expect("root may watch")
        })
    }
}

/// More ranges than a filter knows, and less memory for filters than the narrowest one takes.
#[test]
fn two_thousand_scattered_ports_are_all_seen_and_no_other() {
    if !skip::is_root() {
        return;
    }
    let laboratory = Laboratory::new();
    let numbers = || (0..2000).map(|index| 1000 + index * 31);
    for memory in [131_072, 6000, 1536] {
        laboratory.namespace.sysctl(&format!("net.core.optmem_max={memory}"));
        for (family, own, peer) in ADDRESSES {
            let capture = laboratory.capture(family, &ports(numbers()), own);
            for number in numbers() {
                let from = SocketAddr::new(ip(peer), 40_000);
                laboratory.injector.syn(from, (ip(own), number).into());
                laboratory.injector.syn(from, (ip(own), number + 1).into());
            }
            let sights = laboratory.namespace.within(|| capture.sights());
            assert_eq!(sights.len(), 2000, "{family} with {memory} bytes");
            for number in numbers() {
                let [sight] = &sights[&tcp_port(number)].peers[..] else {
                    panic!("one peer at {number}")
                };
                assert_eq!(sight.peer, ip(peer));
                assert_eq!(sight.interface.as_deref(), Some(laboratory.injector.interface()));
            }
            assert_eq!(capture.lost(), 0, "{family} with {memory} bytes");
        }
    }
}

/// No later packet tells of the loss.
#[test]
fn packets_that_are_dropped_at_the_very_end_are_counted() {
    const MORE_THAN_FIT: u32 = 40_000;
    if !skip::is_root() {
        return;
    }
    let laboratory = Laboratory::new();
    let capture = laboratory.capture(Family::Ipv4, &ports([7466]), "192.0.2.1");
    let from = |index: u32| {
        SocketAddr::new(IpAddr::from((0xc633_6400 | (index & 7)).to_be_bytes()), 40_000)
    };
    for index in 0..MORE_THAN_FIT {
        laboratory.injector.syn(from(index), (ip("192.0.2.1"), 7466).into());
    }
    let sights = capture.sights();
    assert!(sights.contains_key(&tcp_port(7466)));
    let lost = capture.lost();
    assert!(lost > 0 && lost < MORE_THAN_FIT, "{lost} lost");
    assert_eq!(capture.lost(), lost, "counted once");
}

#[test]
fn an_error_of_the_socket_is_told_and_does_not_end_the_watch() {
    if !skip::is_root() {
        return;
    }
    let laboratory = Laboratory::new();
    let capture = laboratory.capture(Family::Ipv4, &ports([7466]), "192.0.2.1");
    let interface = laboratory.injector.interface();
    // A socket of one interface is told when that goes down.
    let (from, to) = ((ip("198.51.100.1"), 40_000).into(), (ip("192.0.2.1"), 7466).into());
    laboratory.injector.syn(from, to);
    let link = capture.socket.read(|link, _| link).expect("a packet").expect("its link");
    bind(capture.socket.descriptor().as_raw_fd(), &link).expect("its interface");
    let noticed = async {
        let before = capture.lost();
        laboratory.namespace.ip(&["link", "set", interface, "down"]);
        while capture.lost() == before {
            sleep(Duration::from_millis(5)).await;
        }
        laboratory.namespace.ip(&["link", "set", interface, "up"]);
        laboratory.injector.syn(from, to);
        while capture.sights.lock().unwrap().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    laboratory.runtime.block_on(async {
        tokio::select! {
            noticed = timeout(EVENT_TIMEOUT, noticed) => noticed.expect("it is noticed, and the next packet seen"),
            never = capture.watch() => match never {},
        }
    });
    assert_eq!(capture.errors.load(Ordering::Relaxed), 1, "one event, one error");
}
