//! A UDP socket of this check, whose answers leave from the address that the question came to.

use std::{io, net::SocketAddr};

use nix::errno::Errno;
use port_checker_api::Port;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

use crate::{
    Family,
    local_source::{ReceivedDatagram, keep_destinations, receive, send_answer},
};

/// A socket on one port.
pub(super) struct AnsweringSocket(UdpSocket);

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
    pub(super) fn receive(&self, datagram: &mut [u8]) -> nix::Result<Option<ReceivedDatagram>> {
        let received = self.0.try_io(Interest::READABLE, || Ok(receive(&self.0, datagram)?));
        match received {
            Ok(received) => Ok(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Errno::try_from(error).unwrap_or(Errno::EIO)),
        }
    }

    /// Sends an answer to the sender of a datagram, from the address that it came to.
    pub(super) fn answer(&self, answer: &[u8], question: &ReceivedDatagram) -> nix::Result<()> {
        send_answer(&self.0, answer, question.from, question.to.as_ref())
    }
}
