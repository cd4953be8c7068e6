//! Attempts at the ports of one check, one lane a processor: each begins with the next port that
//! nobody has begun with, and tries it to its end.

use std::{
    collections::VecDeque,
    mem::take,
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    task::yield_now,
    time::{Instant, sleep_until},
};

use crate::{
    Fault, Finding, Verdict,
    budget::Permit,
    connecting::{Connecting, Decided},
    course::Course,
    tcp::{self, Outcome},
    watch::Watch,
};

/// How many connections a lane begins before it lets others have the processor; half a millisecond
/// or so.
const BATCH: usize = 64;

/// One of the tasks that make the attempts of a check. Dropping it closes its sockets.
pub(crate) struct Lane {
    course: Arc<Course>,
    /// A socket that no attempt uses: the one that came with the admission, or that of an attempt
    /// that ended at once.
    spare: Option<Permit>,
    /// Further attempts, soonest first: the delay is the same for all, so that whatever is appended
    /// is due last.
    again: VecDeque<Try>,
    connecting: Connecting<(Try, Permit)>,
    /// Those that are established and whose challenge is read.
    reading: FuturesUnordered<BoxFuture<'static, Attempt>>,
    found: Vec<Finding>,
}

/// A port to be tried.
#[derive(Debug, Clone, Copy)]
struct Try {
    index: usize,
    number: NonZeroU32,
    /// When to begin, and once begun, when it was.
    due: Instant,
}

/// How a port was tried.
struct Attempt {
    tried: Try,
    elapsed: Duration,
    result: Result<Outcome, Fault>,
}

enum Event {
    Decided(Vec<Decided<(Try, Permit)>>),
    Read(Attempt),
    Permit(Permit),
    Due,
}

impl Lane {
    pub(crate) fn new(course: Arc<Course>, watch: Arc<Watch>, spare: Option<Permit>) -> Self {
        Self {
            course,
            spare,
            again: VecDeque::new(),
            connecting: Connecting::new(watch),
            reading: FuturesUnordered::new(),
            found: Vec::new(),
        }
    }

    /// The next findings, in the order they are made; none when this lane has nothing more to do.
    ///
    /// # Errors
    /// The checker could not judge a port.
    pub(crate) async fn next(&mut self) -> Result<Vec<Finding>, Fault> {
        while self.found.is_empty() && !self.is_done() {
            if self.begin_what_is_due()? {
                yield_now().await;
                self.note_what_happened()?;
            } else if self.found.is_empty() && !self.is_done() {
                let event = self.event().await;
                self.note(event)?;
            }
        }
        // Who knows when the next are asked for.
        self.spare = None;
        Ok(take(&mut self.found))
    }

    /// Sends all findings, and the fault that ends them if there is one.
    pub(crate) async fn run(mut self, found: mpsc::Sender<Result<Vec<Finding>, Fault>>) {
        loop {
            let next = self.next().await;
            let goes_on = next.as_ref().is_ok_and(|found| !found.is_empty());
            if found.send(next).await.is_err() || !goes_on {
                return;
            }
        }
    }

    fn is_done(&self) -> bool {
        self.holds_none() && self.again.is_empty() && !self.course.has_next()
    }

    /// Whether no attempt is under way.
    fn holds_none(&self) -> bool {
        self.connecting.is_empty() && self.reading.is_empty()
    }

    /// Begins what there are sockets for, and returns whether that was a whole batch.
    fn begin_what_is_due(&mut self) -> Result<bool, Fault> {
        let now = Instant::now();
        for _ in 0..BATCH {
            let permit = self.spare.take().or_else(|| self.further());
            let Some(permit) = permit else { return Ok(false) };
            let Some(next) = self.next_try(now) else { return Ok(false) };
            self.begin(next, permit)?;
        }
        Ok(true)
    }

    fn further(&self) -> Option<Permit> {
        let is_wanted = self.course.has_next() || !self.again.is_empty();
        (is_wanted && self.course.has_share_left()).then(|| self.course.place.try_further())?
    }

    /// A port to be tried now.
    fn next_try(&mut self, now: Instant) -> Option<Try> {
        if self.again.front().is_some_and(|next| next.due <= now) {
            return self.again.pop_front();
        }
        let index = self.course.take_next()?;
        Some(Try { index, number: NonZeroU32::MIN, due: now })
    }

    fn begin(&mut self, next: Try, permit: Permit) -> Result<(), Fault> {
        let Course { target, settings, in_flight, .. } = &*self.course;
        let tried = Try { due: Instant::now(), ..next };
        let until = tried.due + settings.timeout;
        let dialled = tcp::dial(target.socket(tried.index))?;
        in_flight.fetch_add(1, Ordering::Relaxed);
        match dialled.look() {
            None => self.connecting.push(dialled, until, (tried, permit)),
            Some(reached) => {
                self.decided(Decided { dialled, until, purpose: (tried, permit), reached })
            }
        }
    }

    /// Waits for whatever happens next.
    async fn event(&mut self) -> Event {
        let now = Instant::now();
        let due = match self.course.has_next() {
            true => Some(now),
            false => self.again.front().map(|next| next.due),
        };
        // Whoever holds some gets further ones when its own come back, or others leave enough.
        let short_of_sockets = due.is_some_and(|due| due <= now) && self.holds_none();
        let later = due.filter(|&due| due > now);
        tokio::select! {
            biased;
            decided = self.connecting.decided(), if !self.connecting.is_empty() => {
                Event::Decided(decided)
            }
            Some(attempt) = self.reading.next() => Event::Read(attempt),
            permit = self.course.place.first(), if short_of_sockets => Event::Permit(permit),
            () = sleep_until(later.unwrap_or(now)), if later.is_some() => Event::Due,
            // Another lane took the last port in between.
            else => Event::Due,
        }
    }

    fn note(&mut self, event: Event) -> Result<(), Fault> {
        match event {
            Event::Decided(decided) => {
                decided.into_iter().try_for_each(|decided| self.decided(decided))
            }
            Event::Read(attempt) => self.ended(attempt),
            Event::Permit(permit) => {
                self.spare = Some(permit);
                Ok(())
            }
            Event::Due => Ok(()),
        }
    }

    /// What happened while a batch was begun.
    fn note_what_happened(&mut self) -> Result<(), Fault> {
        if let Some(decided) = self.connecting.decided().now_or_never() {
            self.note(Event::Decided(decided))?;
        }
        while let Some(Some(attempt)) = self.reading.next().now_or_never() {
            self.note(Event::Read(attempt))?;
        }
        Ok(())
    }

    /// Goes on with a connection that is established, or ends the attempt.
    fn decided(&mut self, decided: Decided<(Try, Permit)>) -> Result<(), Fault> {
        let Decided { dialled, until, purpose: (tried, permit), reached } = decided;
        if self.course.challenge.is_none() || !matches!(reached, Ok(Ok(()))) {
            let elapsed = tried.due.elapsed();
            let result = dialled.close(reached);
            self.spare = Some(permit);
            return self.ended(Attempt { tried, elapsed, result });
        }
        let course = Arc::clone(&self.course);
        self.reading.push(Box::pin(async move {
            let challenge = course.challenge.as_ref().expect("only a challenge is read");
            let result = dialled.read(until, challenge).await;
            drop(permit);
            Attempt { tried, elapsed: tried.due.elapsed(), result }
        }));
        Ok(())
    }

    /// Makes a finding of an attempt, unless the port is to be tried again.
    fn ended(&mut self, attempt: Attempt) -> Result<(), Fault> {
        self.course.in_flight.fetch_sub(1, Ordering::Relaxed);
        let Attempt { tried: Try { index, number, .. }, elapsed, result } = attempt;
        let Outcome { verdict, challenge } = result?;
        if verdict != Verdict::Open && number < self.course.settings.attempts {
            let due = Instant::now() + self.course.settings.delay;
            self.again.push_back(Try { index, number: number.saturating_add(1), due });
            return Ok(());
        }
        let port = self.course.target.ports()[index];
        let attempts = number.get();
        self.found.push(Finding { index, port, verdict, challenge, attempts, elapsed });
        Ok(())
    }
}
