//! Callers that ask again and again while something happens.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use port_checker_testbed::{
    http::{Answer, connect, exchange},
    ports::{Held, LOOPBACK, Listening},
    process::wait_until,
};

/// How many callers ask at the same time.
pub(super) const CALLERS: usize = 24;

/// What the callers got.
#[derive(Default)]
pub(super) struct Tally {
    well: AtomicU64,
    otherwise: Mutex<Vec<String>>,
}

impl Tally {
    fn count(&self, outcome: &io::Result<Answer>) {
        match outcome {
            Ok(answer) if answer.status == 200 => {
                self.well.fetch_add(1, Ordering::Relaxed);
            }
            other => self.otherwise.lock().expect("no panic").push(format!("{other:?}")),
        }
    }

    /// How many were answered with 200.
    pub(super) fn well(&self) -> u64 {
        self.well.load(Ordering::Relaxed)
    }

    /// Waits until `many` more were.
    pub(super) fn wait_for(&self, many: u64) {
        let then = self.well();
        wait_until("callers are answered", || self.well() >= then + many);
    }

    /// Every answer that was not 200, and every one that did not come.
    pub(super) fn otherwise(self) -> Vec<String> {
        self.otherwise.into_inner().expect("no panic")
    }
}

/// Lets callers ask about a port that is open for as long as `meanwhile` takes.
pub(super) fn while_asked(front: SocketAddr, meanwhile: impl FnOnce(&Tally)) -> Tally {
    let open = Listening::on(LOOPBACK);
    open.listener.set_nonblocking(true).expect("a socket");
    let empty_queue = || while open.listener.accept().is_ok() {};
    while_asked_about(front, open.port().get(), empty_queue, meanwhile)
}

/// Lets callers ask about `port` of this machine, each on a connection that it keeps while it can, and
/// call `between` after each answer, for as long as `meanwhile` takes.
pub(super) fn while_asked_about(
    front: SocketAddr,
    port: u16,
    between: impl Fn() + Sync,
    meanwhile: impl FnOnce(&Tally),
) -> Tally {
    let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":[{port}]}}"#);
    let (tally, stop) = (Tally::default(), AtomicBool::new(false));
    let ask = || {
        let mut stream = connect(front);
        while !stop.load(Ordering::Relaxed) {
            let outcome = exchange(&mut stream, "", &body);
            tally.count(&outcome);
            between();
            if !outcome.is_ok_and(|answer| answer.header("connection") != Some("close")) {
                stream = connect(front);
            }
        }
    };
    thread::scope(|scope| {
        let stopping = Stopping(&stop);
        (0..CALLERS).for_each(|_| drop(scope.spawn(ask)));
        meanwhile(&tally);
        drop(stopping);
    });
    tally
}

/// Stops the callers, also when a test fails: the scope waits for them.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
