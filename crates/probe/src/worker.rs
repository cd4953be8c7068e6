//! The loop that tries the ports of one check, one worker a processor.
//!
//! A round reads the clock once, looks at the attempts that are ready or due, begins those for which
//! there are sockets, and waits for the next event.

use std::{mem::take, sync::Arc};

use tokio::{
    sync::mpsc::UnboundedSender,
    task::{coop::consume_budget, yield_now},
    time::Instant,
};

use crate::{
    budget::{Permit, RECHECK},
    fault::Fault,
    finding::Finding,
    port_queue::PortQueue,
    schedule::Schedule,
    stop::Stop,
    transport::{AttemptState, Transport},
};

/// The most attempts that a worker begins before it lets others have the processor; half a millisecond
/// or so.
const MAX_BATCH: usize = 64;

/// One of the tasks that try the ports of a check. Dropping it closes its sockets.
pub(crate) struct Worker<T: Transport> {
    ports: Arc<PortQueue>,
    transport: T,
    schedule: Schedule<(T::Attempt, Permit)>,
    /// A socket that no attempt uses: the one that came with the admission, or that of an attempt
    /// that ended at once.
    spare: Option<Permit>,
    deadline: Instant,
    findings: Vec<Finding>,
}

/// Why a round began no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// A whole batch was begun; there may be more.
    Batch,
    /// No other is due.
    All,
    /// Others are due, and there is no socket.
    NoSocket,
}

impl<T: Transport> Worker<T> {
    pub(crate) fn new(
        ports: Arc<PortQueue>,
        transport: T,
        spare: Option<Permit>,
        deadline: Instant,
    ) -> Self {
        let schedule = Schedule::new(ports.settings.attempts, ports.settings.delay);
        Self { ports, transport, schedule, spare, deadline, findings: Vec::new() }
    }

    /// Sends findings as they are made, and last the reason if the worker stops before its end.
    pub(crate) async fn run(mut self, findings: UnboundedSender<Result<Vec<Finding>, Stop>>) {
        loop {
            let next = self.next().await;
            let goes_on = next.as_ref().is_ok_and(|findings| !findings.is_empty());
            if !goes_on {
                // First: when the receiver learns of the end, the sockets are closed.
                drop(self);
                if next.is_err() {
                    let _ = findings.send(next);
                }
                return;
            }
            if findings.send(next).is_err() {
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
            if !self.findings.is_empty() || self.is_done() {
                return Ok(take(&mut self.findings));
            }
            if begun != Begun::Batch {
                self.wait(now, begun == Begun::NoSocket).await;
            }
        }
    }

    fn is_done(&self) -> bool {
        self.schedule.is_empty() && !self.ports.has_next()
    }

    /// Does all that is due at `now`.
    fn round(&mut self, now: Instant) -> Result<Begun, Fault> {
        for token in self.transport.ready() {
            self.advance(token, now)?;
        }
        for token in self.schedule.take_due(now) {
            self.advance(token, now)?;
        }
        for _ in 0..MAX_BATCH {
            if !self.has_due() {
                return Ok(Begun::All);
            }
            let Some(permit) = self.spare.take().or_else(|| self.ports.slot.try_further()) else {
                return Ok(Begun::NoSocket);
            };
            // Another worker may have taken the last port in between.
            let Some((slot, index)) = self.take_port() else { return Ok(Begun::All) };
            let attempt = self.transport.begin(index)?;
            let token = self.schedule.began(slot, (attempt, permit), now);
            self.advance(token, now)?;
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

    /// Advances an attempt, and notes its outcome if it has ended.
    fn advance(&mut self, token: usize, now: Instant) -> Result<(), Fault> {
        let Some((attempt, _)) = self.schedule.attempt(token) else { return Ok(()) };
        let progress = self.transport.advance(attempt, token, now)?;
        match progress {
            AttemptState::Pending { until, silent } => self.schedule.pending(token, until, silent),
            AttemptState::Ended(outcome) => {
                let Some(((_, permit), judged)) = self.schedule.ended(token, outcome, now) else {
                    return Ok(());
                };
                self.spare = Some(permit);
                self.findings.extend(judged.map(|judged| self.ports.finding(&judged)));
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
