//! A cheap target: accepts connections and closes them.

use std::net::{Ipv4Addr, SocketAddr};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Socket, Type};

/// Connections that may wait to be accepted.
const QUEUE: i32 = 4096;

/// Accepts on `ports` of loopback until the process is ended.
pub(super) fn accept(ports: &[u16]) -> anyhow::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut listeners = Vec::new();
    for (index, &port) in ports.iter().enumerate() {
        let listener = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        listener.set_reuse_address(true)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        listener.listen(QUEUE)?;
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        listeners.push(listener);
    }
    let mut events = [EpollEvent::empty(); 64];
    loop {
        let count = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..count] {
            while listeners[usize::try_from(event.data())?].accept().is_ok() {}
        }
    }
}
