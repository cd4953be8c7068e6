//! Which sockets are ready: one epoll instance for the sockets of all checks.
//!
//! The runtime would keep a record, a waker and a timer for every socket, and change its own epoll
//! instance twice. Here a socket costs one entry in the kernel, and a worker that waits for thousands
//! of them is woken once for all that are ready.

use std::{
    io,
    mem::take,
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        eventfd::{EfdFlags, EventFd},
    },
};
use slab::Slab;
use tokio::sync::Notify;

/// How many events are taken from the kernel at once.
const EVENTS: usize = 256;

/// The token of the reactor's end; larger than any two indexes.
const END: u64 = u64::MAX;

/// Waits for sockets on behalf of those who register, in a separate thread. Nothing is opened
/// before the first does.
#[derive(Debug, Default)]
pub(crate) struct Reactor {
    opened: Mutex<Option<Arc<EventLoop>>>,
}

#[derive(Debug)]
struct EventLoop {
    epoll: Epoll,
    /// Kept until the thread has seen it: closing a descriptor cancels its events.
    end: EventFd,
    readiness: Mutex<Slab<Arc<Readiness>>>,
}

/// The sockets of one registration that are ready.
#[derive(Debug, Default)]
struct Readiness {
    tokens: Mutex<Vec<usize>>,
    arrived: Notify,
}

/// Sockets of one worker; ends when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    event_loop: Arc<EventLoop>,
    readiness: Arc<Readiness>,
    key: usize,
}

/// The event that is waited for. An error counts as either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// The connection is established.
    Writable,
    /// Data or the end of the stream has arrived.
    Readable,
}

impl Reactor {
    /// Begins to wait for the sockets of a worker.
    ///
    /// # Errors
    /// The first worker finds that the system refuses an epoll instance, an event descriptor or a thread.
    pub(crate) fn register(&self) -> io::Result<Registration> {
        let mut opened = locked(&self.opened);
        let event_loop = match &mut *opened {
            Some(event_loop) => event_loop,
            none => none.insert(EventLoop::open()?),
        };
        let readiness = Arc::<Readiness>::default();
        let key = locked(&event_loop.readiness).insert(Arc::clone(&readiness));
        Ok(Registration { event_loop: Arc::clone(event_loop), readiness, key })
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        if let Some(event_loop) = &*locked(&self.opened) {
            // Fails only when 2^64 ends were told already.
            let _ = event_loop.end.write(1);
        }
    }
}

impl EventLoop {
    fn open() -> io::Result<Arc<Self>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
        epoll.add(&end, EpollEvent::new(EpollFlags::EPOLLIN, END))?;
        let event_loop = Arc::new(Self { epoll, end, readiness: Mutex::default() });
        let deliver = Arc::clone(&event_loop);
        thread::Builder::new().name("reactor".into()).spawn(move || deliver.until_the_end())?;
        Ok(event_loop)
    }

    fn until_the_end(&self) {
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => unreachable!("a valid epoll instance: {error}"),
            };
            let events = &events[..count];
            if events.iter().any(|event| event.data() == END) {
                return;
            }
            self.deliver(events);
        }
    }

    fn deliver(&self, events: &[EpollEvent]) {
        let readiness = locked(&self.readiness);
        for event in events {
            let (key, token) = split(event.data());
            if let Some(readiness) = readiness.get(key) {
                locked(&readiness.tokens).push(token);
                readiness.arrived.notify_one();
            }
        }
    }
}

impl Registration {
    /// Tells once when `socket` is ready, and calls it `token` then. Ends when the socket is closed;
    /// events that were on their way may still arrive.
    ///
    /// # Errors
    /// The error of `epoll_ctl`: no memory, or as many sockets as the user may watch.
    pub(crate) fn add(
        &self,
        socket: impl AsFd,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        self.event_loop.epoll.add(socket, self.event(token, interest)).map_err(io::Error::from)
    }

    /// Tells once more, of a socket that was added.
    ///
    /// # Errors
    /// The error of `epoll_ctl`: no memory.
    pub(crate) fn renew(
        &self,
        socket: impl AsFd,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        let mut event = self.event(token, interest);
        self.event_loop.epoll.modify(socket, &mut event).map_err(io::Error::from)
    }

    fn event(&self, token: usize, interest: Interest) -> EpollEvent {
        let flags = match interest {
            Interest::Writable => EpollFlags::EPOLLOUT,
            Interest::Readable => EpollFlags::EPOLLIN,
        };
        EpollEvent::new(flags | EpollFlags::EPOLLONESHOT, event_data(self.key, token))
    }

    /// The tokens of sockets that may be ready.
    pub(crate) fn take(&self) -> Vec<usize> {
        take(&mut *locked(&self.readiness.tokens))
    }

    /// Waits until there may be some.
    pub(crate) async fn arrived(&self) {
        self.readiness.arrived.notified().await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        locked(&self.event_loop.readiness).remove(self.key);
    }
}

/// Neither half is ever larger than the number of descriptors, which is an `int`.
fn event_data(key: usize, token: usize) -> u64 {
    (key as u64) << 32 | token as u64
}

fn split(data: u64) -> (usize, usize) {
    let half = |value| usize::try_from(value).expect("made of two indexes");
    (half(data >> 32), half(data & u64::from(u32::MAX)))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use port_checker_testbed::process::wait_until;

    use super::*;

    /// A ready socket that were told again and again would keep its worker busy.
    #[test]
    fn each_socket_is_reported_once_and_only_for_its_interest() {
        let reactor = Reactor::default();
        let registration = reactor.register().unwrap();
        let (told, silent) = UnixStream::pair().unwrap();
        let (later, _peer) = UnixStream::pair().unwrap();
        let told_next = |expected: &[usize]| {
            let mut tokens = Vec::new();
            wait_until("a socket is told", || {
                tokens.extend(registration.take());
                !tokens.is_empty()
            });
            assert_eq!(tokens, expected);
        };
        registration.add(&silent, 1, Interest::Readable).unwrap();
        registration.add(&told, 2, Interest::Writable).unwrap();
        told_next(&[2]);
        // Whatever else were ready would be told with it.
        registration.add(&later, 3, Interest::Writable).unwrap();
        told_next(&[3]);
        registration.renew(&told, 4, Interest::Writable).unwrap();
        told_next(&[4]);
    }

    /// Each worker counts from 0.
    #[test]
    fn a_socket_is_told_to_the_registration_that_added_it() {
        let reactor = Reactor::default();
        let (first, second) = (reactor.register().unwrap(), reactor.register().unwrap());
        let (socket, _peer) = UnixStream::pair().unwrap();
        second.add(&socket, 0, Interest::Writable).unwrap();
        wait_until("it is told", || second.take() == [0]);
        assert!(first.take().is_empty());
    }

    /// A checker makes a registration for each large check, for as long as it lives.
    #[test]
    fn a_registration_that_ends_is_forgotten() {
        let reactor = Reactor::default();
        let lasting = reactor.register().unwrap();
        drop(reactor.register().unwrap());
        assert_eq!(locked(&lasting.event_loop.readiness).len(), 1);
    }

    #[test]
    fn the_thread_ends_with_the_reactor() {
        for _ in 0..20 {
            let reactor = Reactor::default();
            let registration = reactor.register().unwrap();
            let event_loop = Arc::downgrade(&registration.event_loop);
            drop((registration, reactor));
            wait_until("the thread has let go", || event_loop.strong_count() == 0);
        }
    }
}
