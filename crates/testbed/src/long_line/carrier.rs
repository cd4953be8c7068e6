//! Carries the packets of one direction.

use std::{
    collections::VecDeque,
    io::{ErrorKind, PipeReader},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tun_rs::SyncDevice;

use super::{
    answers::Answers,
    line::{Counts, Line, MTU},
};
use crate::priority;

/// Packets under way in one direction: two seconds of 60,000 packets a second. Further ones are lost.
const MAX_UNDER_WAY: usize = 1 << 17;

/// Packets taken from the device before those that are due are delivered.
const BATCH: usize = 256;

/// One direction.
pub(super) struct Carrier {
    from: Arc<SyncDevice>,
    to: Arc<SyncDevice>,
    line: Line,
    chance: fastrand::Rng,
    /// In the order in which they are due.
    under_way: VecDeque<Packet>,
    counters: Arc<Counters>,
}

struct Packet {
    due: Instant,
    bytes: Box<[u8]>,
}

/// What a carrier counts.
pub(super) struct Counters {
    pub(super) answers: Answers,
    carried: AtomicU64,
    lost_by_chance: AtomicU64,
    lost_to_bound: AtomicU64,
}

/// The device is gone.
struct Gone;

impl Carrier {
    pub(super) fn new([from, to]: [&Arc<SyncDevice>; 2], line: Line, seed: u64) -> Self {
        Self {
            from: from.clone(),
            to: to.clone(),
            line,
            chance: fastrand::Rng::with_seed(seed),
            under_way: VecDeque::new(),
            counters: Arc::new(Counters::new()),
        }
    }

    pub(super) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Carries until the other end of `ended` is closed or a device is gone.
    pub(super) fn run(mut self, ended: &PipeReader) {
        priority::go_first();
        while !self.wait(ended) {
            if self.take().is_err() {
                return;
            }
            self.deliver();
        }
    }

    /// Waits for the next packet, or until the first one under way is due; says whether it is the end.
    fn wait(&self, ended: &PipeReader) -> bool {
        let first_due = self.under_way.front().map(|packet| packet.due);
        let timeout = first_due.map(|due| timespec(due.saturating_duration_since(Instant::now())));
        let device = self.from.as_fd();
        let mut both =
            [PollFd::new(&device, PollFlags::IN), PollFd::new(ended, PollFlags::empty())];
        // Being interrupted is one more reason to look around.
        let _ = poll(&mut both, timeout.as_ref());
        !both[1].revents().is_empty()
    }

    /// Takes packets that were sent.
    fn take(&mut self) -> Result<(), Gone> {
        let mut buffer = [0; MTU as usize];
        for _ in 0..BATCH {
            match self.from.recv(&mut buffer) {
                Ok(length) => self.send_off(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
        Ok(())
    }

    /// Decides what becomes of a packet.
    fn send_off(&mut self, bytes: &[u8]) {
        if self.chance.f64() < self.line.loss {
            return count(&self.counters.lost_by_chance);
        }
        if self.under_way.len() >= MAX_UNDER_WAY {
            return count(&self.counters.lost_to_bound);
        }
        // Read anew for each packet: one of a batch may have been sent since the batch began.
        let due = Instant::now() + self.line.delay + self.line.jitter.mul_f64(self.chance.f64());
        let due = self.under_way.back().map_or(due, |last| due.max(last.due));
        self.under_way.push_back(Packet { due, bytes: bytes.into() });
    }

    /// Delivers what is due.
    fn deliver(&mut self) {
        let now = Instant::now();
        while self.under_way.front().is_some_and(|first| first.due <= now) {
            let Some(packet) = self.under_way.pop_front() else { return };
            // Before it can have an effect.
            self.counters.answers.note(&packet.bytes);
            match self.to.send(&packet.bytes) {
                Ok(_) => count(&self.counters.carried),
                Err(_) => count(&self.counters.lost_to_bound),
            }
        }
    }
}

impl Counters {
    fn new() -> Self {
        Self {
            answers: Answers::new(),
            carried: AtomicU64::new(0),
            lost_by_chance: AtomicU64::new(0),
            lost_to_bound: AtomicU64::new(0),
        }
    }

    pub(super) fn read(&self) -> Counts {
        Counts {
            carried: self.carried.load(Ordering::Relaxed),
            lost_by_chance: self.lost_by_chance.load(Ordering::Relaxed),
            lost_to_bound: self.lost_to_bound.load(Ordering::Relaxed),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn timespec(duration: Duration) -> Timespec {
    duration.try_into().expect("no line is longer than time")
}
