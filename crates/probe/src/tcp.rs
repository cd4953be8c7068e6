//! One TCP connection attempt.

use std::{io, net::SocketAddr, time::Duration};

use port_checker_api::Reason;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    Fault, Verdict,
    verdict::{Step, judge},
};

/// How much of a banner is read before closing, in bytes. Data left unread would turn the FIN of
/// the close into a RST (RFC 1122, section 4.2.2.13).
const BANNER_BYTES: usize = 1024;

/// Tries to connect to `address` for at most `limit`, and closes the connection with a FIN.
pub(crate) async fn connect(address: SocketAddr, limit: Duration) -> Result<Verdict, Fault> {
    let stream = match start(address) {
        Ok(stream) => stream,
        Err((operation, error)) => return judge(Step::Prepare(operation), address, error),
    };
    let outcome = match timeout(limit, stream.writable()).await {
        Ok(ready) => ready.and_then(|()| settled(&stream)),
        // The answer may have come while this process was too busy to look.
        Err(_) if stream.peer_addr().is_ok() => Ok(()),
        Err(_) => match stream.take_error() {
            Ok(None) => return Ok(Verdict::NotOpen(Reason::TimedOut)),
            Ok(Some(error)) | Err(error) => Err(error),
        },
    };
    match outcome {
        Err(error) => judge(Step::Handshake, address, error),
        // A local port chosen for us that happens to be the one we dial connects to itself
        // (RFC 9293, section 3.5, simultaneous open): nothing listens there.
        Ok(()) if stream.local_addr().ok() == Some(address) => {
            Ok(Verdict::NotOpen(Reason::Refused))
        }
        Ok(()) => {
            let _ = stream.try_read(&mut [0; BANNER_BYTES]);
            Ok(Verdict::Open)
        }
    }
}

/// Whether a socket of either address family can be opened now.
pub(crate) fn can_open() -> io::Result<()> {
    open(Domain::IPV4).or_else(|_| open(Domain::IPV6)).map(drop)
}

fn settled(stream: &TcpStream) -> io::Result<()> {
    stream.take_error()?.map_or(Ok(()), Err)
}

/// Sends the SYN. An error names the operation that failed.
fn start(address: SocketAddr) -> Result<TcpStream, (&'static str, io::Error)> {
    let socket = open(Domain::for_address(address)).map_err(|error| ("open a socket", error))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "dials a vetted target: the only caller is Check"
    )]
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => {
            return Err(("start a connection", error));
        }
        _ => {}
    }
    TcpStream::from_std(socket.into()).map_err(|error| ("watch a socket", error))
}

fn open(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))
}
