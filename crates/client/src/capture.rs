//! Packets of a verification as they pass the interfaces of this machine: before its firewall when they come
//! in, and after it when they leave. Needs the right to open packet sockets (CAP_NET_RAW); see packet(7).

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    io::{self, IoSliceMut},
    net::IpAddr,
    os::fd::AsRawFd,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc::{ETH_P_ALL, PACKET_HOST, PACKET_OUTGOING},
    net::if_::if_indextoname,
    sys::socket::{
        ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt,
        sockopt::{RcvBuf, RcvBufForce, RxqOvfl},
    },
};
use port_checker_api::Port;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{Interest, unix::AsyncFd};

#[cfg(test)]
mod crafted;
mod filter;
mod packet;

use crate::{
    facts::{LocalRejection, Sights},
    family::Family,
};
use packet::{Packet, SegmentKind};

/// Bytes of packets that the kernel keeps until they are read: thousands of SYNs.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The bytes of a packet that are read; the kernel's filter keeps no more.
const SNAPSHOT: usize = 256;

/// Packets that are read before other tasks get their turn.
const MAX_BATCH: usize = 64;

/// Packets that are read at the end: more than the receive buffer holds.
const MAX_UNREAD: usize = 1 << 16;

/// The packets of one address family to and from some ports of this machine. Closed when dropped.
pub(crate) struct Capture {
    socket: AsyncFd<Socket>,
    ports: HashSet<u16>,
    /// The addresses of this machine.
    own: Vec<IpAddr>,
    sights: Mutex<HashMap<u16, Sights>>,
    lost: AtomicU32,
}

/// Packets cannot be watched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// This user may not open packet sockets.
    #[error("not permitted to watch packets")]
    NotPermitted,
    /// The system refuses for another reason.
    #[error("cannot watch packets: {0}")]
    Failed(#[from] io::Error),
}

impl Capture {
    /// Begins to watch, on all interfaces.
    ///
    /// # Errors
    /// The system does not permit it.
    pub(crate) fn open(
        family: Family,
        ports: &[Port],
        own: &[IpAddr],
    ) -> Result<Self, CaptureError> {
        // Only sockets for all protocols see packets that leave.
        let protocol = i32::from((ETH_P_ALL as u16).to_be());
        let kind = Type::DGRAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::PACKET, kind, Some(Protocol::from(protocol)));
        let socket = socket.map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EPERM | Errno::EACCES) => CaptureError::NotPermitted,
            _ => CaptureError::Failed(error),
        })?;
        socket.attach_filter(&filter::program(family, ports))?;
        // Beyond the limit of the system only with CAP_NET_ADMIN.
        let _ = setsockopt(&socket, RcvBuf, &RECEIVE_BUFFER);
        let _ = setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER);
        setsockopt(&socket, RxqOvfl, &1).map_err(io::Error::from)?;
        Ok(Self {
            socket: watched(socket)?,
            ports: ports.iter().map(|port| port.get()).collect(),
            own: own.iter().copied().filter(|ip| !ip.is_loopback()).collect(),
            sights: Mutex::default(),
            lost: AtomicU32::new(0),
        })
    }

    /// Reads packets as they come.
    pub(crate) async fn watch(&self) -> Infallible {
        loop {
            let Ok(mut guard) = self.socket.readable().await else {
                return std::future::pending().await;
            };
            for _ in 0..MAX_BATCH {
                if self.read_one().is_err() {
                    guard.clear_ready();
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// The packets that have come so far, by port. Those that nobody has read yet are read first.
    pub(crate) fn sights(&self) -> HashMap<u16, Sights> {
        let read = (0..MAX_UNREAD).take_while(|_| self.read_one().is_ok()).count();
        if read == MAX_UNREAD {
            // More came than can be read: the account is incomplete.
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.sights.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Packets that the kernel dropped because they were not read in time.
    pub(crate) fn lost(&self) -> u32 {
        self.lost.load(Ordering::Relaxed)
    }

    fn read_one(&self) -> nix::Result<()> {
        let mut bytes = [0; SNAPSHOT];
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let mut control = cmsg_space!(u32);
        let descriptor = self.socket.get_ref().as_raw_fd();
        let received = recvmsg::<LinkAddr>(
            descriptor,
            &mut parts,
            Some(&mut control),
            MsgFlags::MSG_DONTWAIT,
        )?;
        for message in received.cmsgs().into_iter().flatten() {
            if let ControlMessageOwned::RxqOvfl(lost) = message {
                self.lost.store(lost, Ordering::Relaxed);
            }
        }
        let (length, link) = (received.bytes.min(SNAPSHOT), received.address);
        if let (Some(link), Some(packet)) = (link, packet::read(&bytes[..length])) {
            self.note(&link, packet);
        }
        Ok(())
    }

    fn note(&self, link: &LinkAddr, packet: Packet) {
        let (comes_in, leaves) = (link.pkttype() == PACKET_HOST, link.pkttype() == PACKET_OUTGOING);
        match packet {
            // Programs of this machine connect over its loopback interface.
            Packet::Segment { from, to, .. }
                if self.own.contains(&from.0) && self.own.contains(&to.0) => {}
            Packet::Segment { from, to, kind: SegmentKind::Open } if comes_in => {
                self.update(to, |sights| sights.arrived(&interface(link), from.0));
            }
            Packet::Segment { from, kind: SegmentKind::Accept, .. } if leaves => {
                self.update(from, |sights| sights.answered = true);
            }
            Packet::Segment { from, kind: SegmentKind::Reset, .. } if leaves => {
                self.update(from, |sights| sights.rejected(LocalRejection::Reset));
            }
            Packet::Unreachable { quoted_to } if leaves => {
                self.update(quoted_to, |sights| sights.rejected(LocalRejection::Icmp));
            }
            _ => {}
        }
    }

    fn update(&self, (address, port): (IpAddr, u16), change: impl FnOnce(&mut Sights)) {
        if self.ports.contains(&port) && self.own.contains(&address) {
            let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
            change(sights.entry(port).or_default());
        }
    }
}

#[expect(deprecated, reason = "sound for a socket that owns its descriptor; the new one is unsafe")]
fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    AsyncFd::with_interest(socket, Interest::READABLE)
}

/// The name of the interface, or its number if it is gone.
fn interface(link: &LinkAddr) -> String {
    let index = link.ifindex();
    let name = u32::try_from(index).ok().and_then(|index| if_indextoname(index).ok());
    name.and_then(|name| name.into_string().ok()).unwrap_or_else(|| index.to_string())
}

#[cfg(test)]
mod tests;
