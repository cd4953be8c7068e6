//! The address that a datagram came to, which is the source of the answer (`IP_PKTINFO`, RFC 3542).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::AsFd,
};

use nix::{
    libc::{in_pktinfo, in6_pktinfo},
    sys::socket::{
        ControlMessage, ControlMessageOwned, SockaddrStorage, setsockopt,
        sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo},
    },
};

use crate::Family;

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

/// The sender of a datagram.
pub(crate) fn sender(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into()))
}
