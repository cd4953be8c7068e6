//! One TCP connection to a vetted target: how it begins, and how the system's reports about it are read.

use std::{
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
};

use port_checker_api::{Icmp, Reason};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::{
    fault::Fault,
    icmp,
    verdict::{Step, judge},
};

/// The most reads, of [`BANNER_PART`] bytes each, of data that a listener sent, before closing. Data
/// left unread would turn the FIN of the close into a RST (RFC 1122, section 4.2.2.13).
const MAX_BANNER_PARTS: usize = 16;

/// In bytes; the most banners fit into one.
const BANNER_PART: usize = 4096;

/// A connection whose SYN was sent; closed when dropped.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    address: SocketAddr,
}

/// Whether a connection is established, or why not.
pub(super) type Reached = Result<Result<(), NotReached>, Fault>;

/// Why a connection was not established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotReached {
    pub(super) reason: Reason,
    /// The message that told, if it was one.
    pub(super) icmp: Option<Icmp>,
}

impl From<Reason> for NotReached {
    fn from(reason: Reason) -> Self {
        Self { reason, icmp: None }
    }
}

/// Sends the SYN.
///
/// # Errors
/// A fault of this machine: nothing was sent.
pub(super) fn dial(address: SocketAddr) -> Result<Connection, Fault> {
    start(address).map_err(|(operation, source)| Fault::System { operation, address, source })
}

impl Connection {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    pub(super) fn socket_ref(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }

    /// Whether the connection is established, or why not; none while that is not known.
    ///
    /// A target on this machine answers before `connect` returns, one next door soon after.
    pub(super) fn poll(&self) -> Option<Reached> {
        poll(&self.socket_ref(), self.address)
    }

    /// Whether it is established and was not reset.
    pub(super) fn is_established(&self) -> bool {
        is_established(&self.socket_ref())
    }

    /// Whether an established connection was reset.
    pub(super) fn was_reset(&self) -> bool {
        let error = self.socket.take_error().unwrap_or_else(Some);
        // EPIPE: it was reset after its end.
        error.is_some_and(|error| {
            matches!(error.raw_os_error(), Some(libc::ECONNRESET | libc::EPIPE))
        })
    }

    /// Makes sure that an established connection is closed with a FIN when it is dropped.
    pub(super) fn discard_banner(&self) {
        discard_banner(&self.socket_ref());
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

pub(super) fn poll(socket: &SockRef<'_>, address: SocketAddr) -> Option<Reached> {
    // Before the error: a message by ICMP may leave one on a connection that stands.
    if is_established(socket) {
        return Some(Ok(established(socket, address)));
    }
    let error = socket.take_error().unwrap_or_else(Some);
    error.map(|error| failed(socket, address, error))
}

/// Whether a connection was established and not reset since.
fn is_established(socket: &SockRef<'_>) -> bool {
    socket.peer_addr().is_ok()
}

/// The fault that a socket cannot be watched.
pub(super) fn unwatchable(address: SocketAddr) -> impl Fn(io::Error) -> Fault {
    move |source| Fault::System { operation: "watch a socket", address, source }
}

fn failed(socket: &SockRef<'_>, address: SocketAddr, error: io::Error) -> Reached {
    let report = icmp::Report::take(socket);
    let step = match report.is_some_and(|report| report.is_of_this_machine(socket, address)) {
        true => Step::Prepare("get past its own firewall or gateway"),
        false => Step::Underway,
    };
    let reason = judge(step, address, error)?;
    Ok(Err(NotReached { reason, icmp: report.and_then(icmp::Report::icmp) }))
}

/// A local port chosen for us that happens to be the one we dial connects to itself (RFC 9293,
/// section 3.5, simultaneous open): nothing listens there.
fn established(socket: &SockRef<'_>, address: SocketAddr) -> Result<(), NotReached> {
    let itself = socket.local_addr().is_ok_and(|local| local.as_socket() == Some(address));
    if itself { Err(Reason::Refused.into()) } else { Ok(()) }
}

/// Discards data that has arrived, without the runtime, which may not have noticed it yet.
fn discard_banner(socket: &SockRef<'_>) {
    let mut part = [MaybeUninit::uninit(); BANNER_PART];
    for _ in 0..MAX_BANNER_PARTS {
        if !socket.recv(&mut part).is_ok_and(|count| count == BANNER_PART) {
            return;
        }
    }
}

/// Sends the SYN. An error names the operation that failed.
fn start(address: SocketAddr) -> Result<Connection, (&'static str, io::Error)> {
    let socket = open(Domain::for_address(address)).map_err(|error| ("open a socket", error))?;
    icmp::keep(&socket, address);
    // A program of this machine may want to listen on the local port that this connection gets. If
    // it may not, that is no reason not to dial.
    let _ = socket.set_reuse_address(true);
    #[expect(
        clippy::disallowed_methods,
        reason = "dials a vetted target: the only callers are TcpTransport and TlsProber"
    )]
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => {
            return Err(("start a connection", error));
        }
        _ => {}
    }
    Ok(Connection { socket, address })
}

pub(super) fn open(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::Shutdown,
        time::Duration,
    };

    use port_checker_testbed::process::wait_until;

    use super::*;

    #[test]
    fn a_reset_is_seen_with_and_without_an_end_before_it() {
        for ends in [false, true] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let connection = dial(listener.local_addr().unwrap()).unwrap();
            let (peer, _) = listener.accept().unwrap();
            if ends {
                peer.shutdown(Shutdown::Write).unwrap();
                assert!(!connection.was_reset(), "an end is no reset");
            }
            SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
            drop(peer);
            wait_until("the reset has arrived", || connection.was_reset());
        }
    }

    #[test]
    fn a_banner_does_not_turn_the_close_into_a_reset() {
        for length in [0, 1, BANNER_PART, 3 * BANNER_PART + 1] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let connection = dial(listener.local_addr().unwrap()).unwrap();
            let (mut peer, _) = listener.accept().unwrap();
            peer.write_all(&vec![b'x'; length]).unwrap();
            connection.discard_banner();
            drop(connection);
            assert_eq!(peer.read(&mut [0]).expect("end of stream, no reset"), 0, "{length}");
        }
    }
}
