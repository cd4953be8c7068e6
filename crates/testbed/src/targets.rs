//! Many ports of a namespace that all behave alike, for as long as they are held.

use std::{
    io::{PipeWriter, Write, pipe},
    net::{Ipv6Addr, SocketAddr},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};
use socket2::{Domain, Socket, Type};

use crate::{namespace::Namespace, priority};

/// Connections that may wait to be accepted, of each port.
const QUEUE: i32 = 4096;

/// The most events that the kernel reports at once.
const EVENTS: usize = 256;

/// The treatment of connections.
#[derive(Debug, Clone, Copy)]
pub enum Conduct {
    /// The kernel accepts them, and nobody takes them out of the queue.
    Keep,
    /// They are accepted and closed: a FIN.
    HangUp,
    /// They are accepted and reset: a RST.
    Reset,
    /// This line is sent to them, then they are closed.
    Say(&'static str),
}

/// Ports that listen over both families, all served by one thread.
pub struct Targets {
    /// Closing it ends the thread.
    end: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Targets {
    /// Listens on `ports` of a namespace.
    ///
    /// # Panics
    /// When one of them is taken.
    pub fn listen(
        namespace: &Namespace,
        ports: impl IntoIterator<Item = u16>,
        conduct: Conduct,
    ) -> Self {
        // A descriptor for each port. Too low a limit is seen when it is reached.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        let ports: Vec<u16> = ports.into_iter().collect();
        let listen = || ports.iter().map(|&port| listener(port, conduct)).collect::<Vec<_>>();
        let listeners = namespace.within(listen);
        let (ended, end) = pipe().expect("a pipe");
        let thread = thread::spawn(move || {
            priority::go_first();
            serve(&listeners, conduct, &ended);
        });
        Self { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A panic was printed when it happened.
            let _ = thread.join();
        }
    }
}

/// Listens on one port of all addresses.
fn listener(port: u16, conduct: Conduct) -> Socket {
    let socket = Socket::new(Domain::IPV6, Type::STREAM.nonblocking(), None).expect("a socket");
    socket.set_reuse_address(true).expect("a socket");
    if matches!(conduct, Conduct::Reset) {
        // An accepted socket inherits it: closing it resets the connection.
        socket.set_linger(Some(Duration::ZERO)).expect("a socket");
    }
    let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    socket.bind(&address.into()).expect("a free port");
    socket.listen(QUEUE).expect("a bound socket can listen");
    socket
}

/// Serves until the other end of `ended` is closed.
fn serve(listeners: &[Socket], conduct: Conduct, ended: &std::io::PipeReader) {
    const END: u64 = u64::MAX;
    let ready = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
    epoll::add(&ready, ended, EventData::new_u64(END), EventFlags::empty()).expect("a pipe");
    let serving = if matches!(conduct, Conduct::Keep) { &[] } else { listeners };
    for (index, listener) in (0_u64..).zip(serving) {
        let data = EventData::new_u64(index);
        epoll::add(&ready, listener, data, EventFlags::IN).expect("a listener");
    }
    let mut events = Vec::with_capacity(EVENTS);
    loop {
        // Being interrupted leaves no event.
        let _ = epoll::wait(&ready, spare_capacity(&mut events), None);
        for event in events.drain(..) {
            let index = event.data.u64();
            if index == END {
                return;
            }
            let listener = &listeners[usize::try_from(index).expect("one of the listeners")];
            while let Ok((mut connection, _)) = listener.accept() {
                if let Conduct::Say(line) = conduct {
                    // The peer may be gone.
                    let _ = connection.write_all(format!("{line}\n").as_bytes());
                }
            }
        }
    }
}
