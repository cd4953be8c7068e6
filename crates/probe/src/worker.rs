//! The loop that tries the ports of one check, one worker a processor.
//!
//! A round reads the clock once, looks at the attempts that are ready or due, begins those for which
//! there are sockets, and waits for what comes next.

use std::{mem::take, sync::Arc};

use tokio::{
    sync::mpsc::UnboundedSender,
    task::{coop::consume_budget, yield_now},
    time::Instant,
};

use crate::{
    Fault, Finding,
    budget::{Permit, RECHECK},
    check::{Ports, Stop},
    schedule::Schedule,
    transport::{Progress, Transport},
};

/// How many attempts a worker begins before it lets others have the processor; half a millisecond
/// or so.
const BATCH: usize = 64;

/// One of the tasks that try the ports of a check. Dropping it closes its sockets.
pub(crate) struct Worker<T: Transport> {
    ports: Arc<Ports>,
    transport: T,
    schedule: Schedule<(T::Attempt, Permit)>,
    /// A socket that no attempt uses: the one that came with the admission, or that of an attempt
    /// that ended at once.
    spare: Option<Permit>,
    deadline: Instant,
    found: Vec<Finding>,
}

/// Why a round began no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// A whole batch was begun; there may be more.
    Batch,
    /// No other is due.
    All,
    /// Others are due, and there is no socket.
    Short,
}

impl<T: Transport> Worker<T> {
    pub(crate) fn new(
        ports: Arc<Ports>,
        transport: T,
        spare: Option<Permit>,
        deadline: Instant,
    ) -> Self {
        let schedule = Schedule::new(ports.settings.attempts, ports.settings.delay);
        Self { ports, transport, schedule, spare, deadline, found: Vec::new() }
    }

    /// Sends what is found as it is found, and last what stopped the worker if something did.
    pub(crate) async fn run(mut self, found: UnboundedSender<Result<Vec<Finding>, Stop>>) {
        loop {
            let next = self.next().await;
            let goes_on = next.as_ref().is_ok_and(|found| !found.is_empty());
            if !goes_on {
                // Before it is told: a receiver that hears of the end finds the sockets closed.
                drop(self);
                if next.is_err() {
                    let _ = found.send(next);
                }
                return;
            }
            if found.send(next).is_err() {
                return;
            }
        }
    }

    /// The next findings, in the order they are made; none when nothing is left to do.
    ///
    /// # Errors
    /// The checker could not judge a port.
    pub(crate) async fn next(&mut self) -> Result<Vec<Finding>, Stop> {
        loop {
            // Waiting takes no time while answers keep coming.
            consume_budget().await;
            let now = self.transport.now();
            if now >= self.deadline {
                return Err(Stop::Deadline);
            }
            let begun = self.round(now)?;
            if begun == Begun::Batch {
                yield_now().await;
            }
            if !self.found.is_empty() || self.is_done() {
                return Ok(take(&mut self.found));
            }
            if begun != Begun::Batch {
                self.wait(now, begun == Begun::Short).await;
            }
        }
    }

    fn is_done(&self) -> bool {
        self.schedule.is_empty() && !self.ports.has_next()
    }

    /// Whatever is due at `now`.
    fn round(&mut self, now: Instant) -> Result<Begun, Fault> {
        for token in self.transport.ready() {
            self.look(token, now)?;
        }
        for token in self.schedule.take_due(now) {
            self.look(token, now)?;
        }
        for _ in 0..BATCH {
            if !self.has_due() {
                return Ok(Begun::All);
            }
            let Some(permit) = self.spare.take().or_else(|| self.ports.slot.try_further()) else {
                return Ok(Begun::Short);
            };
            // Another worker may have taken the last port in between.
            let Some((slot, index)) = self.take_port() else { return Ok(Begun::All) };
            let attempt = self.transport.begin(index)?;
            let token = self.schedule.began(slot, (attempt, permit), now);
            self.look(token, now)?;
        }
        Ok(Begun::Batch)
    }

    /// Whether a port is to be tried now.
    fn has_due(&mut self) -> bool {
        self.ports.has_next() || self.schedule.has_further()
    }

    /// A port to be tried now, its slot and its index: those that nobody has begun with go first.
    fn take_port(&mut self) -> Option<(usize, usize)> {
        match self.ports.take_next() {
            Some(index) => Some((self.schedule.first(index), index)),
            None => self.schedule.further(),
        }
    }

    /// Looks at what has become of an attempt.
    fn look(&mut self, token: usize, now: Instant) -> Result<(), Fault> {
        let Some((attempt, _)) = self.schedule.attempt(token) else { return Ok(()) };
        let progress = self.transport.advance(attempt, token, now)?;
        match progress {
            Progress::Pending { until, silent } => self.schedule.pending(token, until, silent),
            Progress::Ended(outcome) => {
                let Some(((_, permit), judged)) = self.schedule.ended(token, outcome, now) else {
                    return Ok(());
                };
                self.spare = Some(permit);
                self.found.extend(judged.map(|judged| self.ports.finding(&judged)));
            }
        }
        Ok(())
    }

    async fn wait(&mut self, now: Instant, is_short: bool) {
        // Others may need it meanwhile.
        self.spare = None;
        let next = self.schedule.next_at().unwrap_or(self.deadline).min(self.deadline);
        if is_short && self.schedule.holds_none() {
            tokio::select! {
                biased;
                () = self.transport.wait(next) => {}
                permit = self.ports.slot.first() => self.spare = Some(permit),
            }
        } else {
            let recheck = now + RECHECK;
            self.transport.wait(if is_short { next.min(recheck) } else { next }).await;
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod turns;
