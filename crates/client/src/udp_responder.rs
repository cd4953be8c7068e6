//! Answers to the datagrams with which checkers ask about UDP ports.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use port_checker_api::{Challenge, UDP_DATAGRAM_BYTES, UdpQuestion};
use tokio::io::Interest;

use crate::{
    Family,
    local_source::{ReceivedDatagram, keep_destinations, receive, send_answer},
};

/// The errors of the socket, one after another, after which a responder gives up. The system reports a single
/// event, such as a message about an earlier answer, once.
const MAX_ERRORS: u32 = 64;

/// Has checkers find a UDP port open: it answers their datagrams with a challenge, as `docs/udp.md` says. The port
/// is open for as long as this lives and somebody waits for [`run`](Self::run) or
/// [`answer_next`](Self::answer_next).
///
/// Each answer leaves from the address that the question came to, on machines with several addresses too, since
/// checkers take no other. It is shorter than the question (at most 152 bytes to 160), so that nobody can use it
/// to amplify an attack, and everything that is no question is ignored. The challenge is told to everybody who sends
/// a question: use a new one for each check.
///
/// ```
/// use port_checker_client::{Challenge, CheckRequest, Checker, Port, Transport, UdpResponder};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("http://{}", listener.local_addr()?);
/// # let mut config = port_checker_server::Config::default();
/// # config.policy.allow_local = true;
/// # tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
/// let challenge: Challenge = "correct horse battery staple".parse()?;
/// let responder = UdpResponder::bind("0.0.0.0:0".parse()?, challenge.clone())?;
/// let port = Port::try_from(responder.local_addr()?.port())?;
///
/// let request = CheckRequest {
///     transport: Some(Transport::Udp),
///     challenge: Some(challenge),
///     ..CheckRequest::of_ports([port])
/// };
/// let checker = Checker::new(&url)?;
/// let verdicts = tokio::select! {
///     error = responder.run() => return Err(error.into()),
///     verdicts = checker.check(&request, |_| {}) => verdicts?,
/// };
/// assert!(verdicts.results.get(port.get()).unwrap().accessible);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct UdpResponder {
    socket: tokio::net::UdpSocket,
    challenge: Challenge,
}

/// A question that came to a [`UdpResponder`].
#[derive(Debug)]
#[non_exhaustive]
pub struct UdpArrival {
    /// Who asked: the checker, or the last router before this machine that replaces addresses.
    pub from: SocketAddr,
    /// The address of this machine that was asked, or that of a group it belongs to.
    pub to: IpAddr,
    /// Whether the answer left this machine; an error is the system's, such as that a firewall of this machine
    /// does not let it, that there is no way to the asker, or that a group of machines was asked.
    pub answer: io::Result<()>,
}

impl UdpResponder {
    /// Listens on a port; on port 0, on a free one. The address `0.0.0.0` means all addresses of IPv4, and `::`
    /// all of IPv6 and, unless the system's default (`net.ipv6.bindv6only`) is another, all of IPv4.
    ///
    /// # Errors
    /// The system's: such as that another program has the port.
    ///
    /// # Panics
    /// Outside of a Tokio runtime with I/O.
    pub fn bind(address: SocketAddr, challenge: Challenge) -> io::Result<Self> {
        Self::from_socket(UdpSocket::bind(address)?, challenge)
    }

    /// Listens on a socket that is bound. It becomes non-blocking, for its other descriptors too, and what comes
    /// to it and is no question is lost.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// As [`bind`](Self::bind).
    pub fn from_socket(socket: UdpSocket, challenge: Challenge) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        keep_destinations(&socket, Family::of(socket.local_addr()?.ip()))?;
        Ok(Self { socket: tokio::net::UdpSocket::from_std(socket)?, challenge })
    }

    /// The address and port that it listens on.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Answers all questions until it is dropped. Returns only when the socket fails again and again, with the
    /// error.
    pub async fn run(&self) -> io::Error {
        let mut errors = 0;
        loop {
            match self.answer_next().await {
                Ok(_) => errors = 0,
                Err(error) if errors == MAX_ERRORS => return error,
                Err(_) => errors += 1,
            }
        }
    }

    /// Answers the next question. Nothing is lost when this is dropped before it is ready.
    ///
    /// # Errors
    /// The system's about the socket; the next call may succeed.
    pub async fn answer_next(&self) -> io::Result<UdpArrival> {
        loop {
            let received = self.socket.async_io(Interest::READABLE, || self.receive()).await?;
            let Some((question, datagram)) = received else { continue };
            let Some(to) = &datagram.to else { continue };
            let text = question.answered(self.challenge.as_str().as_bytes());
            let answer =
                send_answer(&self.socket, &text, datagram.from, Some(to)).map_err(io::Error::from);
            return Ok(UdpArrival {
                from: peer(datagram.from),
                to: to.address().to_canonical(),
                answer,
            });
        }
    }

    /// The next datagram, if it is a question.
    fn receive(&self) -> io::Result<Option<(UdpQuestion, ReceivedDatagram)>> {
        // One byte more than a question has tells one that is too long.
        let mut datagram = [0; UDP_DATAGRAM_BYTES + 1];
        let received = receive(&self.socket, &mut datagram)?;
        Ok(received.and_then(|received| {
            Some((UdpQuestion::parse(&datagram[..received.length])?, received))
        }))
    }
}

/// The sender as others write it.
fn peer(peer: SocketAddr) -> SocketAddr {
    // An IPv4-mapped address has neither a zone nor a flow.
    match peer.ip().to_canonical() {
        IpAddr::V4(v4) => SocketAddr::new(v4.into(), peer.port()),
        IpAddr::V6(_) => peer,
    }
}
