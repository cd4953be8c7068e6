//! Attempts at UDP ports: send a datagram, then wait for its answer or a message about it.

use std::sync::{Arc, Weak};

use port_checker_api::{Challenge, Reason};
use slab::Slab;
use tokio::time::{Instant, sleep_until};

use super::{
    ignored::IgnoredDatagrams,
    pending::Outcome,
    socket::{MAX_ATTEMPTS, MAX_READS, ProbeSocket, READ_BATCH},
};
use crate::{
    fault::Fault,
    policy::Target,
    reactor::{Interest, Reactor, Registration},
    settings::ProbeSettings,
    transport::{AttemptOutcome, AttemptState, Transport},
    verdict::Verdict,
};

/// Makes attempts at the ports of one target.
pub(crate) struct UdpTransport {
    target: Arc<Target>,
    settings: ProbeSettings,
    challenge: Arc<Challenge>,
    ignored: Arc<IgnoredDatagrams>,
    reactor: Arc<Reactor>,
    /// Made for the first socket.
    registration: Option<Registration>,
    sockets: Slab<SharedSocket>,
}

/// A socket, for as long as an attempt holds it. There are never more than attempts, each of which has a permit.
struct SharedSocket {
    socket: Weak<ProbeSocket>,
    watch: Watch,
    /// The round in which it was read because a time was over.
    read_at: Option<Instant>,
}

/// Whether the reactor waits for a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    Unknown,
    Reported,
    Armed,
}

/// One attempt at a UDP port; nobody waits for an answer to it when it is dropped.
pub(crate) struct UdpAttempt {
    socket: Arc<ProbeSocket>,
    /// Of the socket.
    slot: usize,
    /// Of the attempt at the socket; none if nothing was sent.
    key: Option<usize>,
    began: Instant,
    until: Instant,
}

impl UdpTransport {
    pub(crate) fn new(
        target: Arc<Target>,
        settings: ProbeSettings,
        challenge: Arc<Challenge>,
        ignored: Arc<IgnoredDatagrams>,
        reactor: Arc<Reactor>,
    ) -> Self {
        let (registration, sockets) = (None, Slab::new());
        Self { target, settings, challenge, ignored, reactor, registration, sockets }
    }

    /// A socket that has room for a further attempt, and its slot.
    fn socket(&mut self) -> Result<(usize, Arc<ProbeSocket>), Fault> {
        self.sockets.retain(|_, shared| shared.socket.strong_count() > 0);
        let with_room = self.sockets.iter().find_map(|(slot, shared)| {
            let socket = shared.socket.upgrade()?;
            let has_room = socket.pending().len() < MAX_ATTEMPTS;
            has_room.then_some((slot, socket))
        });
        if let Some(found) = with_room {
            return Ok(found);
        }
        let socket = ProbeSocket::open(&self.target, &self.challenge, &self.ignored)?;
        let socket = Arc::new(socket);
        let shared =
            SharedSocket { socket: Arc::downgrade(&socket), watch: Watch::Unknown, read_at: None };
        Ok((self.sockets.insert(shared), socket))
    }

    /// Has the reactor wait for a socket, if it does not.
    fn watch(&mut self, slot: usize, socket: &ProbeSocket) -> Result<(), Fault> {
        let Some(shared) = self.sockets.get_mut(slot) else { return Ok(()) };
        let operation = "watch a socket";
        let address = self.target.socket(0);
        let fault = |source| Fault::System { operation, address, source };
        let registration = match &mut self.registration {
            Some(registration) => registration,
            none => none.insert(self.reactor.register().map_err(fault)?),
        };
        match shared.watch {
            Watch::Armed => return Ok(()),
            Watch::Unknown => registration.add(socket, slot, Interest::Readable).map_err(fault)?,
            Watch::Reported => {
                registration.renew(socket, slot, Interest::Readable).map_err(fault)?;
            }
        }
        shared.watch = Watch::Armed;
        Ok(())
    }

    /// The outcome of an attempt whose time is over. An answer may have come that nobody has read.
    fn last_outcome(
        &mut self,
        attempt: &UdpAttempt,
        key: usize,
        token: usize,
        now: Instant,
    ) -> Outcome {
        let socket = &attempt.socket;
        if let Some(shared) = self.sockets.get_mut(attempt.slot)
            && shared.read_at != Some(now)
        {
            shared.read_at = Some(now);
            socket.read(MAX_READS);
        }
        let mut pending = socket.pending();
        let outcome = pending.outcome(key, token).or_else(|| pending.unproven(key));
        outcome.unwrap_or_else(|| {
            Ok(AttemptOutcome::of(Verdict::NotOpen(Reason::TimedOut), now - attempt.began))
        })
    }
}

impl Transport for UdpTransport {
    type Attempt = UdpAttempt;

    fn now(&mut self) -> Instant {
        Instant::now()
    }

    fn begin(&mut self, index: usize) -> Result<UdpAttempt, Fault> {
        let (slot, socket) = self.socket()?;
        let began = Instant::now();
        // The local port of a checker that checks itself may be the one that is asked about.
        let key = if socket.is_own(index) { None } else { Some(socket.begin(index)?) };
        Ok(UdpAttempt { socket, slot, key, began, until: began + self.settings.timeout })
    }

    fn advance(
        &mut self,
        attempt: &mut UdpAttempt,
        token: usize,
        now: Instant,
    ) -> Result<AttemptState, Fault> {
        let Some(key) = attempt.key else {
            let refused = Verdict::NotOpen(Reason::Refused);
            return Ok(AttemptState::Ended(AttemptOutcome::of(refused, attempt.began.elapsed())));
        };
        let outcome = attempt.socket.pending().outcome(key, token);
        if let Some(outcome) = outcome {
            return outcome.map(AttemptState::Ended);
        }
        if now >= attempt.until {
            return self.last_outcome(attempt, key, token, now).map(AttemptState::Ended);
        }
        self.watch(attempt.slot, &attempt.socket)?;
        Ok(AttemptState::Pending { until: attempt.until, silent: true })
    }

    fn ready(&mut self) -> Vec<usize> {
        for slot in self.registration.as_ref().map(Registration::take).unwrap_or_default() {
            let Some(shared) = self.sockets.get_mut(slot) else { continue };
            let Some(socket) = shared.socket.upgrade() else { continue };
            if shared.watch == Watch::Armed {
                shared.watch = Watch::Reported;
            }
            socket.read(READ_BATCH);
            // If that fails, the next attempt that is looked at reports it.
            let _ = self.watch(slot, &socket);
        }
        let sockets = self.sockets.iter().filter_map(|(_, shared)| shared.socket.upgrade());
        sockets.flat_map(|socket| socket.pending().take_ready()).collect()
    }

    async fn wait(&mut self, until: Instant) {
        let sockets = self.sockets.iter().filter_map(|(_, shared)| shared.socket.upgrade());
        if sockets.into_iter().any(|socket| socket.pending().has_ready()) {
            return;
        }
        let Some(registration) = &self.registration else { return sleep_until(until).await };
        tokio::select! {
            biased;
            () = registration.arrived() => {}
            () = sleep_until(until) => {}
        }
    }
}

impl Drop for UdpAttempt {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.socket.pending().forget(key);
        }
    }
}

#[cfg(test)]
mod tests;
