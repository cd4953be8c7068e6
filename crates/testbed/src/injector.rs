//! Packets that come in at an interface of a namespace as if from anywhere: of any sender, at any rate.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
};

use tun_rs::{DeviceBuilder, SyncDevice};

use crate::namespace::Namespace;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
const SYN: u8 = 0b10;

/// A TUN device; it ends when dropped.
pub struct Injector {
    device: SyncDevice,
    name: String,
}

impl Injector {
    /// Makes one in a namespace, where it has these addresses, such as `192.0.2.1/24`.
    ///
    /// # Panics
    /// When the system does not let it: it needs root and `/dev/net/tun`.
    pub fn into(namespace: &Namespace, addresses: &[&str]) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("inject{}", MADE.fetch_add(1, Ordering::Relaxed));
        let device = namespace.within(|| {
            let device = DeviceBuilder::new().name(&name).inherit_enable_state().build_sync();
            device.expect("root and /dev/net/tun")
        });
        for address in addresses {
            namespace.add_address(address, &name);
        }
        namespace.ip(&["link", "set", &name, "up"]);
        Self { device, name }
    }

    /// The name of the interface.
    pub fn interface(&self) -> &str {
        &self.name
    }

    /// Has a segment come in that begins a connection.
    ///
    /// # Panics
    /// When the addresses are not of one family, or the interface is down.
    pub fn syn(&self, from: SocketAddr, to: SocketAddr) {
        let mut segment = ports(from, to);
        // Sequence numbers; five words of header; SYN; a window.
        segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 5 << 4, SYN, 0xff, 0xff, 0, 0, 0, 0]);
        self.send(TCP, from.ip(), to.ip(), segment, 16);
    }

    /// Has a datagram with such a payload come in.
    ///
    /// # Panics
    /// As [`syn`](Self::syn).
    pub fn datagram(&self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        self.send(UDP, from.ip(), to.ip(), datagram(from, to, payload), 6);
    }

    /// Has an ICMP message come in from `router`: that the port `to` cannot be reached. It quotes the datagram from
    /// `from` with such a beginning of its payload.
    ///
    /// # Panics
    /// As [`syn`](Self::syn).
    pub fn unreachable_port(
        &self,
        router: IpAddr,
        from: SocketAddr,
        to: SocketAddr,
        payload: &[u8],
    ) {
        let quoted = packet(UDP, from.ip(), to.ip(), datagram(from, to, payload), 6);
        let (protocol, kind, code) = match router {
            IpAddr::V4(_) => (ICMP, 3, 3),
            IpAddr::V6(_) => (ICMP_V6, 1, 4),
        };
        let message = [&[kind, code, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
        self.send(protocol, router, from.ip(), message, 2);
    }

    /// Sends a packet of the transport layer whose checksum lies at this offset.
    fn send(&self, protocol: u8, from: IpAddr, to: IpAddr, payload: Vec<u8>, checksum_at: usize) {
        let packet = packet(protocol, from, to, payload, checksum_at);
        self.device.send(&packet).expect("the interface is up");
    }
}

/// A datagram without its checksum.
fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut datagram = ports(from, to);
    let length = u16::try_from(payload.len() + 8).expect("a short payload");
    datagram.extend(length.to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// A packet whose payload has its checksum at this offset.
fn packet(
    protocol: u8,
    from: IpAddr,
    to: IpAddr,
    mut payload: Vec<u8>,
    checksum_at: usize,
) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short packet");
    let addresses = [octets(from), octets(to)].concat();
    let pseudo = match protocol {
        ICMP => Vec::new(),
        _ => [&addresses[..], &[0, protocol], &length.to_be_bytes()].concat(),
    };
    let sum = checksum(&[&pseudo[..], &payload].concat());
    payload[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
    let header = match (from, to) {
        (IpAddr::V4(_), IpAddr::V4(_)) => {
            let total = (length + 20).to_be_bytes();
            let fixed = [0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, protocol, 0, 0];
            let mut header = [&fixed[..], &addresses].concat();
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            header
        }
        (IpAddr::V6(_), IpAddr::V6(_)) => {
            let [high, low] = length.to_be_bytes();
            [&[0x60, 0, 0, 0, high, low, protocol, 64][..], &addresses].concat()
        }
        _ => panic!("{from} and {to} are of two families"),
    };
    [header, payload].concat()
}

fn ports(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    [from.port().to_be_bytes(), to.port().to_be_bytes()].concat()
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("the loop ends below")
}
