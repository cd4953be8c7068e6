//! Attempts at the ports of one check, one lane a processor: each begins with the next port that
//! nobody has begun with, and tries it to its end.

use std::{
    collections::VecDeque,
    mem::take,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use port_checker_api::Challenge;
use tokio::{
    sync::mpsc,
    task::yield_now,
    time::{Instant, sleep_until},
};

use crate::{
    Fault, Finding, ProbeSettings, Target, Verdict,
    budget::{Permit, Place},
    tcp::{self, Outcome},
};

/// How many connections a lane begins before it lets others have the processor; half a millisecond
/// or so.
const BATCH: usize = 64;

/// What the lanes of a check share.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) target: Target,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) settings: ProbeSettings,
    place: Place,
    /// The index of the first port that nobody has begun with.
    next: AtomicUsize,
    in_flight: AtomicUsize,
}

impl Course {
    pub(crate) fn new(
        target: Target,
        challenge: Option<Challenge>,
        settings: ProbeSettings,
        place: Place,
    ) -> Arc<Self> {
        let (next, in_flight) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { target, challenge, settings, place, next, in_flight })
    }

    fn has_next(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.target.ports().len()
    }

    fn take_next(&self) -> Option<usize> {
        let index = self.has_next().then(|| self.next.fetch_add(1, Ordering::Relaxed))?;
        (index < self.target.ports().len()).then_some(index)
    }

    fn has_share_left(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) < self.place.share()
    }
}

/// One of the tasks that make the attempts of a check. Dropping it closes its sockets.
pub(crate) struct Lane {
    course: Arc<Course>,
    /// A socket that no attempt uses: the one that came with the admission, or that of an attempt
    /// that ended at once.
    spare: Option<Permit>,
    /// Further attempts, soonest first: the delay is the same for all, so that whatever is appended
    /// is due last.
    again: VecDeque<Try>,
    in_flight: FuturesUnordered<BoxFuture<'static, Attempt>>,
    found: Vec<Finding>,
}

/// A port to be tried.
#[derive(Debug, Clone, Copy)]
struct Try {
    index: usize,
    number: NonZeroU32,
    due: Instant,
}

/// How a port was tried.
struct Attempt {
    index: usize,
    number: NonZeroU32,
    elapsed: Duration,
    result: Result<Outcome, Fault>,
}

enum Event {
    Ended(Attempt),
    Permit(Permit),
    Due,
}

impl Lane {
    pub(crate) fn new(course: Arc<Course>, spare: Option<Permit>) -> Self {
        Self {
            course,
            spare,
            again: VecDeque::new(),
            in_flight: FuturesUnordered::new(),
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
            } else if self.found.is_empty() && !self.is_done() {
                match self.event().await {
                    Event::Ended(attempt) => self.ended(attempt)?,
                    Event::Permit(permit) => self.spare = Some(permit),
                    Event::Due => {}
                }
            }
            while let Some(Some(attempt)) = self.in_flight.next().now_or_never() {
                self.ended(attempt)?;
            }
        }
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
        self.in_flight.is_empty() && self.again.is_empty() && !self.course.has_next()
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

    fn begin(&mut self, Try { index, number, .. }: Try, permit: Permit) -> Result<(), Fault> {
        let Course { target, challenge, settings, .. } = &*self.course;
        let started = Instant::now();
        let until = started + settings.timeout;
        let dialled = tcp::dial(target.socket(index))?;
        if challenge.is_none()
            && let Some(result) = dialled.at_once()
        {
            drop(dialled);
            self.spare = Some(permit);
            return self.settle(Attempt { index, number, elapsed: started.elapsed(), result });
        }
        let course = Arc::clone(&self.course);
        course.in_flight.fetch_add(1, Ordering::Relaxed);
        self.in_flight.push(Box::pin(async move {
            let result = dialled.in_time(until, course.challenge.as_ref()).await;
            drop(permit);
            Attempt { index, number, elapsed: started.elapsed(), result }
        }));
        Ok(())
    }

    /// Waits for whatever happens next.
    async fn event(&mut self) -> Event {
        let now = Instant::now();
        let due = match self.course.has_next() {
            true => Some(now),
            false => self.again.front().map(|next| next.due),
        };
        // Whoever holds some gets further ones when its own come back, or others leave enough.
        let short_of_sockets = due.is_some_and(|due| due <= now) && self.in_flight.is_empty();
        let later = due.filter(|&due| due > now);
        tokio::select! {
            biased;
            Some(attempt) = self.in_flight.next() => Event::Ended(attempt),
            permit = self.course.place.first(), if short_of_sockets => Event::Permit(permit),
            () = sleep_until(later.unwrap_or(now)), if later.is_some() => Event::Due,
            // Another lane took the last port in between.
            else => Event::Due,
        }
    }

    fn ended(&mut self, attempt: Attempt) -> Result<(), Fault> {
        self.course.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.settle(attempt)
    }

    /// Makes a finding of an attempt, unless the port is to be tried again.
    fn settle(&mut self, attempt: Attempt) -> Result<(), Fault> {
        let Attempt { index, number, elapsed, result } = attempt;
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
