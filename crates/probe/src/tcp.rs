//! One attempt at a TCP port.

use std::{io, mem::MaybeUninit, net::SocketAddr, time::Duration};

use port_checker_api::{Challenge, ChallengeOutcome, Reason};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{
    Fault, Verdict, challenge, origin,
    verdict::{Step, judge},
};

/// How much of what a listener sent is read before closing, in reads of [`BANNER_PART`] bytes. Data
/// left unread would turn the FIN of the close into a RST (RFC 1122, section 4.2.2.13).
const BANNER_PARTS: usize = 16;

/// In bytes; the most banners fit into one.
const BANNER_PART: usize = 4096;

/// What one attempt found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// None when none was asked for, or no connection was established.
    pub(crate) challenge: Option<ChallengeOutcome>,
}

impl From<Reason> for Outcome {
    fn from(reason: Reason) -> Self {
        Self { verdict: Verdict::NotOpen(reason), challenge: None }
    }
}

/// Tries `address` for at most `limit`: connects, reads the challenge if there is one, and closes
/// the connection with a FIN.
pub(crate) async fn attempt(
    address: SocketAddr,
    limit: Duration,
    challenge: Option<&Challenge>,
) -> Result<Outcome, Fault> {
    let until = Instant::now() + limit;
    let stream = match connect(address, until).await? {
        Ok(stream) => stream,
        Err(reason) => return Ok(reason.into()),
    };
    let Some(expected) = challenge else {
        discard_banner(&stream);
        return Ok(Outcome { verdict: Verdict::Open, challenge: None });
    };
    let outcome = match challenge::read(&stream, expected, until).await {
        Ok(outcome) => outcome,
        Err(error) => return judge(Step::Underway, address, error).map(Outcome::from),
    };
    discard_banner(&stream);
    let verdict = match outcome {
        ChallengeOutcome::Matched => Verdict::Open,
        _ => Verdict::NotOpen(Reason::ChallengeFailed),
    };
    Ok(Outcome { verdict, challenge: Some(outcome) })
}

/// Reads away what has arrived, past the runtime, which may not have noticed yet.
fn discard_banner(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let mut part = [MaybeUninit::uninit(); BANNER_PART];
    for _ in 0..BANNER_PARTS {
        if !socket.recv(&mut part).is_ok_and(|count| count == BANNER_PART) {
            return;
        }
    }
}

/// Whether a socket of either address family can be opened now.
pub(crate) fn can_open() -> io::Result<()> {
    open(Domain::IPV4).or_else(|_| open(Domain::IPV6)).map(drop)
}

/// Connects to `address`, or says why it cannot be reached.
pub(crate) async fn connect(
    address: SocketAddr,
    until: Instant,
) -> Result<Result<TcpStream, Reason>, Fault> {
    let stream = match start(address) {
        Ok(stream) => stream,
        Err((operation, error)) => {
            return judge(Step::Prepare(operation), address, error).map(Err);
        }
    };
    let connected = match timeout_at(until, stream.writable()).await {
        Ok(ready) => ready.and_then(|()| settled(&stream)),
        // The answer may have come while this process was too busy to look.
        Err(_) if stream.peer_addr().is_ok() => Ok(()),
        Err(_) => match stream.take_error() {
            Ok(None) => return Ok(Err(Reason::TimedOut)),
            Ok(Some(error)) | Err(error) => Err(error),
        },
    };
    match connected {
        Err(error) if origin::is_this_machine(&stream, address) => {
            judge(Step::Prepare("get past its own firewall or gateway"), address, error).map(Err)
        }
        Err(error) => judge(Step::Underway, address, error).map(Err),
        // A local port chosen for us that happens to be the one we dial connects to itself
        // (RFC 9293, section 3.5, simultaneous open): nothing listens there.
        Ok(()) if stream.local_addr().ok() == Some(address) => Ok(Err(Reason::Refused)),
        Ok(()) => Ok(Ok(stream)),
    }
}

fn settled(stream: &TcpStream) -> io::Result<()> {
    stream.take_error()?.map_or(Ok(()), Err)
}

/// Sends the SYN. An error names the operation that failed.
fn start(address: SocketAddr) -> Result<TcpStream, (&'static str, io::Error)> {
    let socket = open(Domain::for_address(address)).map_err(|error| ("open a socket", error))?;
    origin::keep(&socket, address);
    // A program of this machine may want to listen on the local port that this connection gets. If
    // it may not, that is no reason not to dial.
    let _ = socket.set_reuse_address(true);
    #[expect(
        clippy::disallowed_methods,
        reason = "dials a vetted target: the only callers are Check and TlsProber"
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[tokio::test]
    async fn a_banner_does_not_turn_the_close_into_a_reset() {
        for length in [0, 1, BANNER_PART, 3 * BANNER_PART + 1] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = start(listener.local_addr().unwrap()).unwrap();
            let (mut peer, _) = listener.accept().unwrap();
            peer.write_all(&vec![b'x'; length]).unwrap();
            stream.writable().await.unwrap();
            discard_banner(&stream);
            drop(stream);
            assert_eq!(peer.read(&mut [0]).expect("end of stream, no reset"), 0, "{length}");
        }
    }
}
