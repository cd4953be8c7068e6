//! Who reported an error: a router on the way, or this machine itself.
//!
//! "No route to host" comes from a router that gave up on the target, but also from our own kernel
//! when our own gateway does not answer. Only the first says anything about the target. The kernel
//! keeps the message that caused an error, and who sent it, if asked to (ip(7), `IP_RECVERR`).

use std::{
    io::IoSliceMut,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, setsockopt,
    sockopt::{Ipv4RecvErr, Ipv6RecvErr},
};
use socket2::{SockRef, Socket};

/// Asks the kernel to keep the messages that cause errors on this socket. A socket on which that
/// fails is used all the same: its errors are then believed.
pub(crate) fn keep(socket: &Socket, address: SocketAddr) {
    let _ = match address {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4RecvErr, &true),
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvErr, &true),
    };
}

/// Whether the last error on this socket was reported by this machine, and not as the target.
pub(crate) fn is_this_machine(socket: &SockRef<'_>, target: SocketAddr) -> bool {
    let Some(reporter) = offender(socket) else { return false };
    let here = socket.local_addr().ok().and_then(|here| here.as_socket());
    here.is_some_and(|here| here.ip() == reporter) && reporter != target.ip()
}

/// Who sent the message that caused the last error.
fn offender(socket: &SockRef<'_>) -> Option<IpAddr> {
    let mut payload = [0; 128];
    let mut payload = [IoSliceMut::new(&mut payload)];
    let mut control = nix::cmsg_space!([u8; 256]);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut payload, Some(&mut control), flags).ok()?;
    message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4RecvErr(_, Some(from)) => {
            Some(IpAddr::from(u32::from_be(from.sin_addr.s_addr).to_be_bytes()))
        }
        ControlMessageOwned::Ipv6RecvErr(_, Some(from)) => {
            Some(IpAddr::from(from.sin6_addr.s6_addr))
        }
        _ => None,
    })
}
