//! Datagrams with the address that they came to, which is the source of the answer (`IP_PKTINFO`, RFC 3542): a machine
//! with several addresses would else answer from another one, and nobody would take that for an answer.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd},
};

use nix::{
    cmsg_space,
    libc::{in_pktinfo, in6_pktinfo},
    sys::socket::{
        ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg,
        setsockopt,
        sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo},
    },
};

use crate::Family;

/// Room for what the system says about a datagram, in bytes: its destination takes 32, and the program that made
/// the socket may have asked for the time and the like.
const CONTROL_BYTES: usize = 256;

/// A datagram that was received.
pub(crate) struct ReceivedDatagram {
    /// How long it is, as far as there was room for it.
    pub(crate) length: usize,
    /// Its sender.
    pub(crate) from: SocketAddr,
    /// The address it came to; none: the system did not tell.
    pub(crate) to: Option<LocalSource>,
}

/// The address that a datagram came to, as the system takes it for the source of an answer. From that of a group of
/// machines, all of which would answer, the system refuses to send.
pub(crate) enum LocalSource {
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl LocalSource {
    /// That of a control message, if it has one. Whichever interface leads back to the sender is good.
    pub(crate) fn of(message: ControlMessageOwned) -> Option<Self> {
        match message {
            // The other address in it is unspecified if the datagram was there before the option was set.
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let ipi_spec_dst = info.ipi_addr;
                Some(Self::V4(in_pktinfo { ipi_ifindex: 0, ipi_spec_dst, ..info }))
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                Some(Self::V6(in6_pktinfo { ipi6_ifindex: 0, ..info }))
            }
            _ => None,
        }
    }

    /// The control message that makes it the source of a datagram.
    pub(crate) const fn as_source(&self) -> ControlMessage<'_> {
        match self {
            Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }

    /// The address.
    pub(crate) fn address(&self) -> IpAddr {
        match self {
            Self::V4(info) => Ipv4Addr::from_bits(u32::from_be(info.ipi_spec_dst.s_addr)).into(),
            Self::V6(info) => Ipv6Addr::from(info.ipi6_addr.s6_addr).into(),
        }
    }
}

/// Has the system tell the address with each datagram of a socket.
pub(crate) fn keep_destinations(socket: &impl AsFd, family: Family) -> io::Result<()> {
    match family {
        Family::Ipv4 => setsockopt(socket, Ipv4PacketInfo, &true)?,
        Family::Ipv6 => setsockopt(socket, Ipv6RecvPacketInfo, &true)?,
    }
    Ok(())
}

/// The next datagram; none if its sender is of no family of the Internet. Does not wait.
pub(crate) fn receive(
    socket: &impl AsFd,
    datagram: &mut [u8],
) -> nix::Result<Option<ReceivedDatagram>> {
    let mut control = cmsg_space!([u8; CONTROL_BYTES]);
    let mut parts = [IoSliceMut::new(datagram)];
    let (descriptor, flags) = (socket.as_fd().as_raw_fd(), MsgFlags::MSG_DONTWAIT);
    let received = recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut control), flags)?;
    let to = received.cmsgs().ok().and_then(|mut all| all.find_map(LocalSource::of));
    let from = received.address.as_ref().and_then(sender);
    Ok(from.map(|from| ReceivedDatagram { length: received.bytes, from, to }))
}

/// Sends an answer to the sender of a datagram, from the address that it came to; without one, from that which the
/// system chooses. Does not wait.
pub(crate) fn send_answer(
    socket: &impl AsFd,
    answer: &[u8],
    to: SocketAddr,
    from: Option<&LocalSource>,
) -> nix::Result<()> {
    let control = from.map(LocalSource::as_source);
    let (parts, to) = ([IoSlice::new(answer)], SockaddrStorage::from(to));
    let (descriptor, flags) = (socket.as_fd().as_raw_fd(), MsgFlags::MSG_DONTWAIT);
    #[expect(clippy::disallowed_methods, reason = "answers who asked")]
    sendmsg(descriptor, &parts, control.as_slice(), flags, Some(&to))?;
    Ok(())
}

/// The sender of a datagram.
fn sender(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into()))
}
