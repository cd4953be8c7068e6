//! A UDP socket whose answers leave from the address that the question came to: a machine
//! with several addresses would else answer from another one, and nobody would take that for an answer.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::SocketAddr,
    os::fd::AsRawFd,
};

use nix::{
    errno::Errno,
    libc::in6_pktinfo,
    sys::socket::{MsgFlags, SockaddrStorage, recvmsg, sendmsg},
};
use port_checker_api::Port;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

use crate::{
    Family,
    local_source::{LocalSource, keep_destinations, sender},
};

/// A socket on one port.
pub(super) struct AnsweringSocket(UdpSocket);

/// A datagram that was received.
pub(super) struct Received {
    /// How long it is, as far as there was room for it.
    pub(super) length: usize,
    /// Its sender.
    pub(super) from: SocketAddr,
    /// The address it came to; none: the system did not tell.
    to: Option<LocalSource>,
}

impl AnsweringSocket {
    /// Binds a port on all addresses of a family. Nobody else gets the port then: over UDP another program that
    /// shared it would lose datagrams to this one.
    pub(super) fn bind(family: Family, port: Port) -> io::Result<Self> {
        let address = SocketAddr::new(family.unspecified(), port.get());
        let kind = Type::DGRAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::UDP))?;
        keep_destinations(&socket, family)?;
        if family == Family::Ipv6 {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        UdpSocket::from_std(socket.into()).map(Self)
    }

    /// Waits for a datagram.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// The next datagram; none if there is none, or only the error of one.
    pub(super) fn receive(&self, datagram: &mut [u8]) -> nix::Result<Option<Received>> {
        let received = self.0.try_io(Interest::READABLE, || Ok(receive(&self.0, datagram)?));
        match received {
            Ok(received) => Ok(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Errno::try_from(error).unwrap_or(Errno::EIO)),
        }
    }

    /// Sends an answer to the sender of a datagram, from the address that it came to.
    pub(super) fn answer(&self, answer: &[u8], question: &Received) -> nix::Result<()> {
        let control = question.to.as_ref().map(LocalSource::as_source);
        let (parts, to) = ([IoSlice::new(answer)], SockaddrStorage::from(question.from));
        let descriptor = self.0.as_raw_fd();
        #[expect(clippy::disallowed_methods, reason = "answers who asked")]
        sendmsg(descriptor, &parts, control.as_slice(), MsgFlags::MSG_DONTWAIT, Some(&to))?;
        Ok(())
    }
}

fn receive(socket: &UdpSocket, datagram: &mut [u8]) -> nix::Result<Option<Received>> {
    // An IPv6 address and an interface take the most room.
    let mut control = nix::cmsg_space!(in6_pktinfo);
    let mut parts = [IoSliceMut::new(datagram)];
    let descriptor = socket.as_raw_fd();
    let flags = MsgFlags::MSG_DONTWAIT;
    let received = recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut control), flags)?;
    let to = received.cmsgs()?.find_map(LocalSource::of);
    let Some(from) = received.address.as_ref().and_then(sender) else { return Ok(None) };
    Ok(Some(Received { length: received.bytes, from, to }))
}
