//! A network whose answers are decided beforehand, with a clock that only moves when it is read or
//! waited for.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use port_checker_api::Reason;
use tokio::time::Instant;

use crate::{
    Fault, Verdict,
    budget::Permit,
    transport::{AttemptOutcome, AttemptState, Transport},
};

/// The fate of one attempt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    /// Nothing ever comes back.
    Lost,
    /// This comes back so long after the beginning.
    Answer(Duration, Reason),
    /// A connection is established after the first time, and ends with the verdict after the second.
    Established(Duration, Duration, Verdict),
}

/// A record for the test.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// When each attempt was begun, by the index of the port.
    pub(super) begins: BTreeMap<usize, Vec<Instant>>,
    /// How many attempts were under way from when on.
    pub(super) under_way: Vec<(Instant, usize)>,
    /// The indexes in the order of all beginnings.
    pub(super) order: Vec<usize>,
    open: usize,
    now: Option<Instant>,
}

/// The network.
pub(super) struct Simulated {
    pub(super) fates: Vec<Vec<Fate>>,
    pub(super) timeout: Duration,
    /// How much later each reading of the clock is than the one before, in turn.
    pub(super) ticks: Vec<Duration>,
    /// Sockets that others hold, and until when.
    pub(super) others: Vec<(Instant, Permit)>,
    pub(super) clock: Instant,
    pub(super) record: Arc<Mutex<Record>>,
    events: BinaryHeap<Reverse<(Instant, usize)>>,
    readings: usize,
}

/// An attempt under way.
pub(super) struct SimulatedAttempt {
    fate: Fate,
    began: Instant,
    record: Arc<Mutex<Record>>,
}

impl Simulated {
    pub(super) fn new(fates: Vec<Vec<Fate>>, timeout: Duration, ticks: Vec<Duration>) -> Self {
        Self {
            fates,
            timeout,
            ticks,
            others: Vec::new(),
            clock: Instant::now(),
            record: Arc::default(),
            events: BinaryHeap::new(),
            readings: 0,
        }
    }

    fn move_clock(&mut self, to: Instant) {
        self.clock = self.clock.max(to);
        self.others.retain(|(until, _)| *until > self.clock);
        self.record().now = Some(self.clock);
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }
}

impl Transport for Simulated {
    type Attempt = SimulatedAttempt;

    fn now(&mut self) -> Instant {
        let tick = self.ticks[self.readings % self.ticks.len()];
        self.readings += 1;
        self.move_clock(self.clock + tick);
        self.clock
    }

    fn begin(&mut self, index: usize) -> Result<SimulatedAttempt, Fault> {
        let now = self.clock;
        let mut record = self.record();
        record.order.push(index);
        record.open += 1;
        let open = record.open;
        record.under_way.push((now, open));
        let begins = record.begins.entry(index).or_default();
        begins.push(now);
        let fate = self.fates[index][begins.len() - 1];
        drop(record);
        Ok(SimulatedAttempt { fate, began: now, record: Arc::clone(&self.record) })
    }

    fn advance(
        &mut self,
        attempt: &mut SimulatedAttempt,
        token: usize,
        now: Instant,
    ) -> Result<AttemptState, Fault> {
        let SimulatedAttempt { fate, began, .. } = *attempt;
        let time_out = began + self.timeout;
        let ended = |verdict| AttemptState::Ended(AttemptOutcome::of(verdict, now - began));
        let (comes, progress) = match fate {
            Fate::Answer(after, reason) => (began + after, ended(Verdict::NotOpen(reason))),
            Fate::Established(after, hold, verdict) => match began + after + hold {
                until if until <= now => (began + after, ended(verdict)),
                until => (began + after, AttemptState::Pending { until, silent: false }),
            },
            Fate::Lost => (time_out, ended(Verdict::NotOpen(Reason::TimedOut))),
        };
        if comes <= now {
            return Ok(progress);
        }
        if time_out <= now {
            return Ok(ended(Verdict::NotOpen(Reason::TimedOut)));
        }
        if comes < time_out {
            self.events.push(Reverse((comes, token)));
        }
        Ok(AttemptState::Pending { until: time_out, silent: true })
    }

    fn ready(&mut self) -> Vec<usize> {
        let mut ready = Vec::new();
        while let Some(Reverse((at, token))) = self.events.peek().copied()
            && at <= self.clock
        {
            self.events.pop();
            ready.push(token);
        }
        ready
    }

    async fn wait(&mut self, until: Instant) {
        let event = self.events.peek().map(|Reverse((at, _))| *at);
        let freed = self.others.iter().map(|(until, _)| *until).min();
        let next = [event, freed].into_iter().flatten().fold(until, Instant::min);
        self.move_clock(next);
    }
}

impl Drop for SimulatedAttempt {
    fn drop(&mut self) {
        let mut record = self.record.lock().unwrap();
        record.open -= 1;
        let (open, now) = (record.open, record.now.expect("it was begun at some time"));
        record.under_way.push((now, open));
    }
}
