//! The packet socket of a capture; see packet(7).

use std::{
    io::{self, IoSliceMut},
    os::fd::AsRawFd,
};

use nix::{
    errno::Errno,
    getsockopt_impl,
    libc::{self, ETH_P_ALL},
    sys::socket::{
        GetSockOpt, LinkAddr, MsgFlags, recvmsg, setsockopt,
        sockopt::{RcvBuf, RcvBufForce},
    },
};
use port_checker_api::TransportPort;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{Interest, unix::AsyncFd};

use super::filter;
use crate::family::Family;

/// Bytes of packets that the kernel keeps until they are read: thousands of SYNs.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The bytes of a packet that are read; the kernel's filter keeps no more.
const SNAPSHOT: usize = 256;

/// An error, such as an interface that goes down, is no packet.
const EVENTS: Interest = Interest::READABLE.add(Interest::ERROR);

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

/// The number of packets since the last question, and of those that found no room in the receive buffer.
#[derive(Debug, Clone, Copy)]
struct PacketStatistics;

// The option with its type is all that is ours; nix asks the system and checks the length of the answer.
getsockopt_impl!(
    PacketStatistics,
    libc::SOL_PACKET,
    libc::PACKET_STATISTICS,
    libc::tpacket_stats,
    nix::sys::socket::sockopt::GetStruct<libc::tpacket_stats>
);

/// A socket that receives the packets to and from some ports at all interfaces.
pub(super) struct PacketSocket(AsyncFd<Socket>);

impl PacketSocket {
    pub(super) fn open(family: Family, ports: &[TransportPort]) -> Result<Self, CaptureError> {
        // Only sockets for all protocols see packets that leave.
        let protocol = i32::from((ETH_P_ALL as u16).to_be());
        let kind = Type::DGRAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::PACKET, kind, Some(Protocol::from(protocol)));
        let socket = socket.map_err(|error| match error.raw_os_error() {
            Some(number) if number == Errno::EPERM as i32 || number == Errno::EACCES as i32 => {
                CaptureError::NotPermitted
            }
            _ => CaptureError::Failed(error),
        })?;
        attach_filter(&socket, family, ports)?;
        // Beyond the limit of the system only with CAP_NET_ADMIN.
        let _ = setsockopt(&socket, RcvBuf, &RECEIVE_BUFFER);
        let _ = setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER);
        Ok(Self(watched(socket)?))
    }

    /// Waits for packets, and has `read` take them until it finds none.
    pub(super) async fn wait(&self, read: impl FnOnce() -> Batch) -> io::Result<()> {
        let mut guard = self.0.ready(EVENTS).await?;
        if read() == Batch::Last {
            guard.clear_ready();
        }
        Ok(())
    }

    /// The next packet, from its network layer on; `EAGAIN` if there is none.
    pub(super) fn read<T>(
        &self,
        note: impl FnOnce(Option<LinkAddr>, &[u8]) -> T,
    ) -> nix::Result<T> {
        let mut bytes = [0; SNAPSHOT];
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let descriptor = self.0.get_ref().as_raw_fd();
        let received = recvmsg::<LinkAddr>(descriptor, &mut parts, None, MsgFlags::MSG_DONTWAIT)?;
        let (length, link) = (received.bytes.min(SNAPSHOT), received.address);
        Ok(note(link, &bytes[..length]))
    }

    /// How many packets the kernel dropped since the last question because nobody had read the earlier ones.
    pub(super) fn dropped(&self) -> nix::Result<u32> {
        Ok(PacketStatistics.get(self.0.get_ref())?.tp_drops)
    }

    /// The socket itself.
    #[cfg(test)]
    pub(super) fn descriptor(&self) -> &Socket {
        self.0.get_ref()
    }
}

/// Whether packets remain after some have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// There may be more.
    More,
    /// There are no more.
    Last,
}

/// The narrowest filter for which the kernel has room (`net.core.optmem_max`).
fn attach_filter(socket: &Socket, family: Family, ports: &[TransportPort]) -> io::Result<()> {
    let mut attached = Ok(());
    for max_ranges in filter::MAX_RANGES {
        attached = socket.attach_filter(&filter::program(family, ports, max_ranges));
        if attached.is_ok() {
            break;
        }
    }
    attached
}

#[expect(deprecated, reason = "sound for a socket that owns its descriptor; the new one is unsafe")]
fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    AsyncFd::with_interest(socket, EVENTS)
}
