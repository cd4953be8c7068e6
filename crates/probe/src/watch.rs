//! Which connections have something to tell: one epoll instance for the sockets of all checks.
//!
//! The runtime would keep a record, a waker and a timer for every socket, and change its own epoll
//! instance twice. Here a socket costs one entry in the kernel, and whoever waits for thousands of
//! them is woken once for all that have news.

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

/// What the end of the watch is called; more than any two indexes.
const END: u64 = u64::MAX;

/// Watches sockets for those who subscribe, in a thread of its own. Nothing is opened before the
/// first does.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    opened: Mutex<Option<Arc<Shared>>>,
}

#[derive(Debug)]
struct Shared {
    epoll: Epoll,
    /// Kept until the thread has seen it: closing a descriptor takes back what epoll would tell of it.
    end: EventFd,
    mailboxes: Mutex<Slab<Arc<Mailbox>>>,
}

#[derive(Debug, Default)]
struct Mailbox {
    news: Mutex<Vec<usize>>,
    arrived: Notify,
}

/// One who has sockets watched; ends when dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    key: usize,
}

impl Watch {
    /// Begins to watch for somebody.
    ///
    /// # Errors
    /// The system has no epoll instance for the first.
    pub(crate) fn subscribe(&self) -> io::Result<Subscription> {
        let mut opened = locked(&self.opened);
        let shared = match &mut *opened {
            Some(shared) => shared,
            none => none.insert(Shared::open()?),
        };
        let mailbox = Arc::<Mailbox>::default();
        let key = locked(&shared.mailboxes).insert(Arc::clone(&mailbox));
        Ok(Subscription { shared: Arc::clone(shared), mailbox, key })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(shared) = &*locked(&self.opened) {
            // Fails only when 2^64 ends were told already.
            let _ = shared.end.write(1);
        }
    }
}

impl Shared {
    fn open() -> io::Result<Arc<Self>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let end = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
        epoll.add(&end, EpollEvent::new(EpollFlags::EPOLLIN, END))?;
        let shared = Arc::new(Self { epoll, end, mailboxes: Mutex::default() });
        let deliver = Arc::clone(&shared);
        thread::Builder::new().name("watch".into()).spawn(move || deliver.until_the_end())?;
        Ok(shared)
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
            self.post(events);
        }
    }

    fn post(&self, events: &[EpollEvent]) {
        let mailboxes = locked(&self.mailboxes);
        for event in events {
            let (key, name) = parted(event.data());
            if let Some(mailbox) = mailboxes.get(key) {
                locked(&mailbox.news).push(name);
                mailbox.arrived.notify_one();
            }
        }
    }
}

impl Subscription {
    /// Tells once when `socket` is connected or has failed, and calls it `name` then. Ends when the
    /// socket is closed; news that was under way may still arrive.
    ///
    /// # Errors
    /// The system cannot.
    pub(crate) fn watch(&self, socket: impl AsFd, name: usize) -> io::Result<()> {
        let once = EpollFlags::EPOLLOUT | EpollFlags::EPOLLONESHOT;
        let event = EpollEvent::new(once, joined(self.key, name));
        self.shared.epoll.add(socket, event).map_err(io::Error::from)
    }

    /// The names of sockets that may have something to tell.
    pub(crate) async fn news(&self) -> Vec<usize> {
        self.mailbox.arrived.notified().await;
        take(&mut *locked(&self.mailbox.news))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        locked(&self.shared.mailboxes).remove(self.key);
    }
}

/// Neither half is ever larger than the number of descriptors, which is an `int`.
fn joined(key: usize, name: usize) -> u64 {
    (key as u64) << 32 | name as u64
}

fn parted(data: u64) -> (usize, usize) {
    let half = |value| usize::try_from(value).expect("made of two indexes");
    (half(data >> 32), half(data & u64::from(u32::MAX)))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use port_checker_testbed::process::wait_until;

    use super::*;

    #[test]
    fn the_thread_ends_with_the_watch() {
        for _ in 0..20 {
            let watch = Watch::default();
            let subscription = watch.subscribe().unwrap();
            let shared = Arc::downgrade(&subscription.shared);
            drop((subscription, watch));
            wait_until("the thread has let go", || shared.strong_count() == 0);
        }
    }
}
