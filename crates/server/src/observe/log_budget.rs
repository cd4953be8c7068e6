//! How much requests may write into the log.
//!
//! A stranger chooses how many requests there are, and each wants a line. Beyond a caller's budget, or
//! that of all callers, lines are counted instead of written, and the counts are told at intervals.
//! Checks that dialled an address have separate budgets, so that requests that cost nothing cannot keep
//! from the log which addresses were dialled.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tracing::info;

use port_checker_limits::Subject;

/// How often the lines that were not written are told.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// How many callers are named in a report, those with most lines first. The others are one number.
const MAX_NAMED: usize = 10;

/// How many callers have separate budgets, in about 0.5 MiB. Beyond them the budget of all counts.
const MAX_CALLERS: usize = 4096;

/// How often callers are looked for whose budgets are whole again, while there is no place for more.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The subject of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A check that dialled an address.
    Check,
    /// Any other request.
    Other,
}

/// How many lines may be written.
struct Allowance {
    at_once: u32,
    /// Between two lines in the long run.
    interval: Duration,
}

impl Kind {
    /// Of one caller. By default no caller has more checks admitted, each of at least one port.
    const fn of_caller(self) -> Allowance {
        match self {
            Self::Check => Allowance { at_once: 2048, interval: Duration::from_millis(100) },
            Self::Other => Allowance { at_once: 50, interval: Duration::from_secs(1) },
        }
    }

    /// Of all callers together: at most 200 KB a second, for lines of 400 bytes.
    const fn of_all(self) -> Allowance {
        match self {
            Self::Check => Allowance { at_once: 10_000, interval: Duration::from_millis(2) },
            Self::Other => Allowance { at_once: 500, interval: Duration::from_millis(20) },
        }
    }
}

/// When an allowance will be whole again; the time may have passed (see `port_checker_limits`).
#[derive(Debug, Clone, Copy)]
struct WholeAt(Instant);

impl WholeAt {
    /// After one more line, if it may be written.
    fn charged(self, allowance: &Allowance, now: Instant) -> Option<Self> {
        let charged = self.0.max(now) + allowance.interval;
        (charged - now <= allowance.interval * allowance.at_once).then_some(Self(charged))
    }
}

/// The budgets for each kind of line.
struct Budgets {
    checks: WholeAt,
    others: WholeAt,
}

impl Budgets {
    fn whole(now: Instant) -> Self {
        Self { checks: WholeAt(now), others: WholeAt(now) }
    }

    fn of(&mut self, kind: Kind) -> &mut WholeAt {
        match kind {
            Kind::Check => &mut self.checks,
            Kind::Other => &mut self.others,
        }
    }

    fn are_whole(&self, now: Instant) -> bool {
        self.checks.0 <= now && self.others.0 <= now
    }
}

struct CallerBudget {
    budgets: Budgets,
    /// Lines not written since the last report.
    withheld: u64,
}

struct State {
    all: Budgets,
    callers: HashMap<Subject, CallerBudget>,
    /// Of callers without an entry.
    withheld: u64,
    swept: Instant,
}

/// How much requests may write into the log.
pub(crate) struct LogBudget(Mutex<State>);

/// Lines that were not written.
#[derive(Debug, PartialEq, Eq)]
struct Report {
    named: Vec<(IpAddr, u64)>,
    /// Of all other callers.
    others: u64,
}

impl LogBudget {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let all = Budgets::whole(now);
        Self(Mutex::new(State { all, callers: HashMap::new(), withheld: 0, swept: now }))
    }

    /// Whether a line about a request of `caller` may be written; counts it if not.
    pub(crate) fn admits(&self, caller: IpAddr, kind: Kind) -> bool {
        self.state().admits(Subject::of(caller), kind, Instant::now())
    }

    /// Tells at intervals how many lines were not written, for ever.
    pub(crate) async fn report_forever(self: Arc<Self>) {
        loop {
            sleep(REPORT_INTERVAL).await;
            self.report();
        }
    }

    /// Tells how many lines were not written since it was told last.
    pub(crate) fn report(&self) {
        let Report { named, others } = self.state().report();
        for (caller, lines) in named {
            info!(%caller, lines, "more lines were not written");
        }
        if others > 0 {
            info!(lines = others, "more lines were not written, of other callers");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admits(&mut self, caller: Subject, kind: Kind, now: Instant) -> bool {
        self.evict(caller, now);
        let Self { all, callers, withheld, .. } = self;
        let has_entry = callers.len() < MAX_CALLERS || callers.contains_key(&caller);
        let of_caller = has_entry.then(|| {
            let whole = || CallerBudget { budgets: Budgets::whole(now), withheld: 0 };
            callers.entry(caller).or_insert_with(whole)
        });
        let all = all.of(kind);
        let all_charged = all.charged(&kind.of_all(), now);
        let Some(of_caller) = of_caller else {
            match all_charged {
                Some(charged) => *all = charged,
                None => *withheld += 1,
            }
            return all_charged.is_some();
        };
        let of_kind = of_caller.budgets.of(kind);
        match (all_charged, of_kind.charged(&kind.of_caller(), now)) {
            (Some(all_charged), Some(kind_charged)) => {
                (*all, *of_kind) = (all_charged, kind_charged);
                true
            }
            _ => {
                of_caller.withheld += 1;
                false
            }
        }
    }

    /// Forgets callers whose budgets are whole, if the place is needed.
    fn evict(&mut self, caller: Subject, now: Instant) {
        let full = self.callers.len() >= MAX_CALLERS && !self.callers.contains_key(&caller);
        if full && now - self.swept >= SWEEP_INTERVAL {
            self.swept = now;
            self.callers.retain(|_, caller| caller.withheld > 0 || !caller.budgets.are_whole(now));
        }
    }

    fn report(&mut self) -> Report {
        let withheld = self.callers.iter_mut().filter(|(_, caller)| caller.withheld > 0);
        let mut named: Vec<_> = withheld
            .map(|(subject, caller)| (subject.address(), std::mem::take(&mut caller.withheld)))
            .collect();
        named.sort_unstable_by_key(|&(caller, lines)| (std::cmp::Reverse(lines), caller));
        let others = named.split_off(named.len().min(MAX_NAMED));
        let others: u64 = others.iter().map(|(_, lines)| lines).sum();
        Report { named, others: others + std::mem::take(&mut self.withheld) }
    }
}

#[cfg(test)]
mod tests;
