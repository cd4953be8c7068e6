//! Packets of a verification as they pass the interfaces of this machine: before its firewall when they come
//! in, and after it when they leave. Needs the right to open packet sockets (CAP_NET_RAW); see packet(7).

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::pending,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use nix::{
    errno::Errno,
    libc::{PACKET_HOST, PACKET_OUTGOING},
    net::if_::if_indextoname,
    sys::socket::LinkAddr,
};
use port_checker_api::{Port, Transport, TransportPort};

#[cfg(test)]
mod connections;
#[cfg(test)]
mod crafted;
#[cfg(test)]
mod datagrams;
mod filter;
pub(crate) mod packet;
mod socket;
#[cfg(test)]
mod tests;

use crate::{
    family::Family,
    sights::{LocalRejection, Sights},
};
use packet::{DatagramKind, Packet, SegmentKind};
pub(crate) use socket::CaptureError;
use socket::{Batch, PacketSocket};

const TCP: Transport = Transport::Tcp;
const UDP: Transport = Transport::Udp;

/// Packets that are read before other tasks get their turn.
const MAX_BATCH: usize = 64;

/// Packets that are read at the end: more than the receive buffer holds.
const MAX_UNREAD: usize = 1 << 16;

/// Errors of the socket after which it is read no more: the system reports a single event, such as an
/// interface that goes down, once.
const MAX_ERRORS: u32 = 64;

/// The packets of one address family to and from some ports of this machine. Closed when dropped.
pub(crate) struct Capture {
    socket: PacketSocket,
    ports: HashSet<TransportPort>,
    /// The addresses of this machine.
    own: Vec<IpAddr>,
    sights: Mutex<HashMap<TransportPort, Sights>>,
    lost: AtomicU32,
    errors: AtomicU32,
}

impl Capture {
    /// Begins to watch, on all interfaces.
    ///
    /// # Errors
    /// The system does not permit it.
    pub(crate) fn open(
        family: Family,
        ports: &[TransportPort],
        own: &[IpAddr],
    ) -> Result<Self, CaptureError> {
        Ok(Self {
            socket: PacketSocket::open(family, ports)?,
            ports: ports.iter().copied().collect(),
            own: own.iter().copied().filter(|ip| !ip.is_loopback()).collect(),
            sights: Mutex::default(),
            lost: AtomicU32::new(0),
            errors: AtomicU32::new(0),
        })
    }

    /// Reads packets as they come.
    pub(crate) async fn watch(&self) -> Infallible {
        while self.errors.load(Ordering::Relaxed) < MAX_ERRORS {
            if self.socket.wait(|| self.read(MAX_BATCH)).await.is_err() {
                self.note_error();
                break;
            }
            tokio::task::yield_now().await;
        }
        pending().await
    }

    /// The packets that have come so far, by port. Those that nobody has read yet are read first.
    pub(crate) fn sights(&self) -> HashMap<TransportPort, Sights> {
        if self.read(MAX_UNREAD) == Batch::More {
            // More came than can be read: the account is incomplete.
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.sights.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Packets that were not seen: those that the kernel dropped because they were not read in time, and one for
    /// each error of the socket, which tells nothing about the packets of that moment.
    pub(crate) fn lost(&self) -> u32 {
        let dropped = self.socket.dropped().unwrap_or(1);
        self.lost.fetch_add(dropped, Ordering::Relaxed).saturating_add(dropped)
    }

    /// Reads at most so many packets. An error is no end of the packets, unless it comes again and again.
    fn read(&self, max: usize) -> Batch {
        for _ in 0..max {
            match self.socket.read(|link, bytes| self.note(link, bytes)) {
                Ok(()) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Batch::Last,
                Err(_) => {
                    self.note_error();
                    if self.errors.load(Ordering::Relaxed) >= MAX_ERRORS {
                        return Batch::Last;
                    }
                }
            }
        }
        Batch::More
    }

    fn note_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    fn note(&self, link: Option<LinkAddr>, bytes: &[u8]) {
        let (Some(link), Some(packet)) = (link, packet::read(bytes)) else { return };
        let (comes_in, leaves) = (link.pkttype() == PACKET_HOST, link.pkttype() == PACKET_OUTGOING);
        match packet {
            // Programs of this machine connect over its loopback interface.
            Packet::Segment { from, to, .. } | Packet::Datagram { from, to, .. }
                if self.own.contains(&from.0) && self.own.contains(&to.0) => {}
            Packet::Segment { from, to, kind: SegmentKind::Open } if comes_in => {
                self.update(TCP, to, |sights| sights.arrived(|| interface(&link), from.0));
            }
            Packet::Segment { from, to, kind: SegmentKind::Accept } if leaves => {
                self.update(TCP, from, |sights| sights.answered(to.0));
            }
            Packet::Segment { from, to, kind: SegmentKind::Reset } if leaves => {
                self.update(TCP, from, |sights| sights.rejected(to.0, LocalRejection::Reset));
            }
            Packet::Datagram { from, to, kind: DatagramKind::Question } if comes_in => {
                self.update(UDP, to, |sights| sights.arrived(|| interface(&link), from.0));
            }
            Packet::Datagram { from, to, kind: DatagramKind::Answer } if leaves => {
                self.update(UDP, from, |sights| sights.answered(to.0));
            }
            Packet::Unreachable { quoted_from, quoted_to, transport } if leaves => {
                let rejected = |sights: &mut Sights| {
                    sights.rejected(quoted_from, LocalRejection::Icmp);
                };
                self.update(transport, quoted_to, rejected);
            }
            _ => {}
        }
    }

    fn update(
        &self,
        transport: Transport,
        (address, port): (IpAddr, u16),
        change: impl FnOnce(&mut Sights),
    ) {
        let Some(port) = Port::new(port).map(|port| TransportPort { transport, port }) else {
            return;
        };
        if self.ports.contains(&port) && self.own.contains(&address) {
            let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
            change(sights.entry(port).or_default());
        }
    }
}

/// The name of the interface, or its number if it is gone.
fn interface(link: &LinkAddr) -> String {
    let index = link.ifindex();
    let name = u32::try_from(index).ok().and_then(|index| if_indextoname(index).ok());
    let name = name.and_then(|name| name.into_string().ok());
    // The name of one that is gone is no error, but empty.
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| index.to_string())
}
