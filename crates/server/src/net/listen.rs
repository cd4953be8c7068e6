//! The socket the service listens on: a new one, or one of the service manager.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;

/// Connections the kernel may hold that this process has not accepted yet.
const BACKLOG: i32 = 1024;

/// Listens on `address`; `::` serves both address families, and IPv4 alone where the system knows no IPv6. Must
/// be called within a runtime.
///
/// # Errors
/// The address is not of this machine, is in use, or needs rights this process lacks.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let (socket, address) = match socket(address) {
        Ok(socket) => (socket, address),
        Err(error) if is_unknown_family(&error) && address.ip() == Ipv6Addr::UNSPECIFIED => {
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            (socket(address)?, address)
        }
        Err(error) => return Err(error),
    };
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restarted service must not wait for the connections of its predecessor to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
}

/// Whether the system, or the sandbox, has no such address family.
fn is_unknown_family(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

/// Adopts a listening socket, such as that of the system's service manager. Must be
/// called within a runtime.
///
/// # Errors
/// It does not listen.
pub fn adopt(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    if !SockRef::from(&listener).is_listener()? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket does not listen"));
    }
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
