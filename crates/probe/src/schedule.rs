//! The agenda of a check: which attempts and time-outs are due at which time.
//!
//! One agenda holds everything that happens at a known time: an attempt is to be looked at (its
//! time-out, or the end of the wait for a RST), or a port is to be tried again. A round takes
//! whatever is due at *one* reading of the clock, and the worker then waits for the first entry that
//! is left. Because both use the agenda, nothing that is due can be waited past.
//!
//! Entries are never searched for. One that no longer holds, because the attempt ended or the port
//! was judged, is recognised by its time and passed over when it comes to the front.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    num::NonZeroU32,
    time::Duration,
};

use slab::Slab;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::transport::AttemptOutcome;

/// Attempts at a port that may overlap without separate memory: as many as the default settings
/// make.
const OVERLAPPING: usize = 3;

/// The state of the ports that a worker has begun with and not judged, and of their attempts; `A` is
/// the resources of an attempt.
pub(crate) struct Schedule<A> {
    attempts: NonZeroU32,
    delay: Duration,
    ports: Slab<Port>,
    under_way: Slab<Attempt<A>>,
    agenda: BinaryHeap<Reverse<Entry>>,
    /// Ports whose next attempt is due and lacks a socket, longest first.
    overdue: VecDeque<Overdue>,
}

/// A port that is not judged.
struct Port {
    index: usize,
    /// Attempts begun.
    begun: u32,
    /// Those under way.
    tokens: SmallVec<[usize; OVERLAPPING]>,
    /// When the next attempt is due.
    next: Option<Instant>,
    /// The outcome of the last attempt that got an answer.
    answer: Option<Answer>,
}

/// An attempt under way.
struct Attempt<A> {
    held: A,
    port: usize,
    /// 1 is the first at its port.
    number: u32,
    /// When it is to be looked at again.
    until: Option<Instant>,
}

/// The outcome of an attempt, and its number.
#[derive(Debug, Clone, Copy)]
struct Answer {
    attempt: u32,
    outcome: AttemptOutcome,
}

/// Something that is due at a known time. The earliest is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Instant,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    /// The attempt with this token is to be looked at.
    Advance(usize),
    /// The port in this slot is to be tried again.
    Retry(usize),
}

/// A port whose next attempt has been due since `at`.
struct Overdue {
    port: usize,
    at: Instant,
}

/// A port that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) index: usize,
    /// How many attempts were begun.
    pub(crate) attempts: u32,
    /// The outcome of the attempt that decided.
    pub(crate) outcome: AttemptOutcome,
}

impl<A> Schedule<A> {
    pub(crate) fn new(attempts: NonZeroU32, delay: Duration) -> Self {
        Self {
            attempts,
            delay,
            ports: Slab::new(),
            under_way: Slab::new(),
            agenda: BinaryHeap::new(),
            overdue: VecDeque::new(),
        }
    }

    /// Whether every port that was begun with is judged.
    pub(crate) fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Whether no attempt is under way.
    pub(crate) fn holds_none(&self) -> bool {
        self.under_way.is_empty()
    }

    /// When something happens next.
    pub(crate) fn next_at(&mut self) -> Option<Instant> {
        while let Some(Reverse(entry)) = self.agenda.peek() {
            if self.holds(entry) {
                return Some(entry.at);
            }
            self.agenda.pop();
        }
        None
    }

    /// Removes the entries that are due at `now` from the agenda, and returns the attempts to advance.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        while let Some(at) = self.next_at().filter(|&at| at <= now) {
            match self.agenda.pop() {
                Some(Reverse(Entry { action: Action::Advance(token), .. })) => due.push(token),
                Some(Reverse(Entry { action: Action::Retry(port), .. })) => {
                    self.overdue.push_back(Overdue { port, at });
                }
                None => break,
            }
        }
        due
    }

    /// Begins with the port at `index`; returns its slot.
    pub(crate) fn first(&mut self, index: usize) -> usize {
        let tokens = SmallVec::new();
        self.ports.insert(Port { index, begun: 0, tokens, next: None, answer: None })
    }

    /// The slot and the index of the port that has been due for a further attempt for longest.
    pub(crate) fn further(&mut self) -> Option<(usize, usize)> {
        self.forget_judged();
        let Overdue { port: slot, .. } = self.overdue.pop_front()?;
        let port = &mut self.ports[slot];
        port.next = None;
        Some((slot, port.index))
    }

    /// Whether a further attempt is due.
    pub(crate) fn has_further(&mut self) -> bool {
        self.forget_judged();
        !self.overdue.is_empty()
    }

    /// An attempt at a port has begun; returns its token. The next is due if this one is still
    /// silent after the delay.
    pub(crate) fn began(&mut self, slot: usize, held: A, now: Instant) -> usize {
        let port = &mut self.ports[slot];
        port.begun += 1;
        let number = port.begun;
        let token = self.under_way.insert(Attempt { held, port: slot, number, until: None });
        port.tokens.push(token);
        self.retry_at(slot, now + self.delay);
        token
    }

    /// The resources of an attempt; none if it has ended.
    pub(crate) fn attempt(&mut self, token: usize) -> Option<&mut A> {
        self.under_way.get_mut(token).map(|attempt| &mut attempt.held)
    }

    /// An attempt goes on, and is to be looked at again at `until`.
    pub(crate) fn pending(&mut self, token: usize, until: Instant, silent: bool) {
        let Some(attempt) = self.under_way.get_mut(token) else { return };
        if attempt.until != Some(until) {
            attempt.until = Some(until);
            self.agenda.push(Reverse(Entry { at: until, action: Action::Advance(token) }));
        }
        let port = &mut self.ports[attempt.port];
        if !silent && attempt.number == port.begun {
            // It is about to end, and the delay then counts from there.
            port.next = None;
        }
    }

    /// An attempt has ended. Returns its resources, and the port if that is judged now: after a success,
    /// or when no attempt is under way or to come.
    pub(crate) fn ended(
        &mut self,
        token: usize,
        outcome: AttemptOutcome,
        now: Instant,
    ) -> Option<(A, Option<Judged>)> {
        let Attempt { held, port: slot, number, .. } = self.under_way.try_remove(token)?;
        let port = &mut self.ports[slot];
        port.tokens.retain(|&mut other| other != token);
        if outcome.is_open() {
            return Some((held, Some(self.judge(slot, outcome))));
        }
        if outcome.is_answer() && port.answer.is_none_or(|known| known.attempt < number) {
            port.answer = Some(Answer { attempt: number, outcome });
        }
        let is_overdue = port.next.is_some_and(|next| next <= now);
        if outcome.is_answer() && number == port.begun && !is_overdue {
            self.retry_at(slot, now + self.delay);
        }
        let port = &self.ports[slot];
        let is_last = port.tokens.is_empty() && port.next.is_none();
        let decided = port.answer.map_or(outcome, |answer| answer.outcome);
        Some((held, is_last.then(|| self.judge(slot, decided))))
    }

    /// The next attempt is due at `at`, unless all were begun.
    fn retry_at(&mut self, slot: usize, at: Instant) {
        let port = &mut self.ports[slot];
        let next = (port.begun < self.attempts.get()).then_some(at);
        if next.is_some() && next != port.next {
            self.agenda.push(Reverse(Entry { at, action: Action::Retry(slot) }));
        }
        port.next = next;
    }

    /// Forgets a port, and ends its other attempts.
    fn judge(&mut self, slot: usize, outcome: AttemptOutcome) -> Judged {
        let Port { index, begun, tokens, .. } = self.ports.remove(slot);
        for token in tokens {
            self.under_way.remove(token);
        }
        Judged { index, attempts: begun, outcome }
    }

    fn forget_judged(&mut self) {
        while let Some(Overdue { port, at }) = self.overdue.front()
            && self.ports.get(*port).is_none_or(|port| port.next != Some(*at))
        {
            self.overdue.pop_front();
        }
    }

    /// Whether an entry is still valid.
    fn holds(&self, entry: &Entry) -> bool {
        let at = Some(entry.at);
        match entry.action {
            Action::Advance(token) => {
                self.under_way.get(token).is_some_and(|held| held.until == at)
            }
            Action::Retry(slot) => self.ports.get(slot).is_some_and(|port| port.next == at),
        }
    }
}

#[cfg(test)]
mod tests;
