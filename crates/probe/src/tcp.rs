//! TCP connections to vetted targets.

use std::{io, net::SocketAddr};

use port_checker_api::Reason;
use socket2::{Domain, SockRef, Socket};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{
    fault::Fault,
    verdict::{Step, judge},
};

mod connection;
mod transport;

use connection::{dial, open, poll, unwatchable};
pub(crate) use transport::TcpTransport;

/// Connects to `address`, or says why it cannot be reached.
pub(crate) async fn connect(
    address: SocketAddr,
    until: Instant,
) -> Result<Result<TcpStream, Reason>, Fault> {
    let stream = watched(dial(address)?.into_socket(), address)?;
    let socket = SockRef::from(&stream);
    if let Ok(Err(error)) = timeout_at(until, stream.writable()).await {
        return judge(Step::Underway, address, error).map(Err);
    }
    let reached = poll(&socket, address).unwrap_or(Ok(Err(Reason::TimedOut.into())));
    Ok(reached?.map(|()| stream).map_err(|not_reached| not_reached.reason))
}

/// Has the runtime watch a socket.
fn watched(socket: Socket, address: SocketAddr) -> Result<TcpStream, Fault> {
    TcpStream::from_std(socket.into()).map_err(unwatchable(address))
}

/// Whether a socket of either address family can be opened now.
pub(crate) fn can_open() -> io::Result<()> {
    open(Domain::IPV4).or_else(|_| open(Domain::IPV6)).map(drop)
}
