//! The floor: the cost of a connection for the kernel alone. No HTTP, no runtime.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use anyhow::Context;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Socket, Type};

/// Processors of the machine whose figures are published.
const THREADS: usize = 2;

/// Connections that a thread has under way at once.
const IN_FLIGHT: usize = 1000;

/// The result.
pub(super) struct Connected {
    pub(super) open: usize,
    pub(super) closed: usize,
    pub(super) seconds: f64,
}

/// Connects `connections` times to `ports` of this machine, in turns, and closes at once.
pub(super) fn floor(ports: &[u16], connections: usize) -> anyhow::Result<Connected> {
    let next = AtomicUsize::new(0);
    let address = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        (index < connections)
            .then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, ports[index % ports.len()])))
    };
    let began = Instant::now();
    let open = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| connect(address))).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        ended.sum::<anyhow::Result<usize>>()
    })?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(Connected { open, closed: connections - open, seconds })
}

/// One thread; returns how many connections were established.
#[expect(clippy::disallowed_methods, reason = "dials ports of this machine")]
fn connect(mut next: impl FnMut() -> Option<SocketAddr>) -> anyhow::Result<usize> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut sockets: Vec<Option<Socket>> = (0..IN_FLIGHT).map(|_| None).collect();
    let mut free: Vec<usize> = (0..IN_FLIGHT).collect();
    let mut events = [EpollEvent::empty(); 256];
    let (mut open, mut more) = (0, true);
    while more || free.len() < IN_FLIGHT {
        while more && let Some(&slot) = free.last() {
            let Some(address) = next() else {
                more = false;
                break;
            };
            let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
            match socket.connect(&address.into()) {
                Err(error)
                    if error.raw_os_error() != Some(nix::errno::Errno::EINPROGRESS as i32) =>
                {
                    continue;
                }
                _ => {}
            }
            epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLOUT, slot as u64))?;
            sockets[slot] = Some(socket);
            free.pop();
        }
        let count = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..count] {
            let slot = usize::try_from(event.data())?;
            let socket = sockets[slot].take().context("the kernel tells of a closed socket")?;
            open += usize::from(socket.take_error()?.is_none());
            free.push(slot);
        }
    }
    Ok(open)
}
