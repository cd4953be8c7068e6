//! The result of a request's check, counted for the log.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use port_checker_api::Reason;
use port_checker_probe::Verdict;

use crate::quote::shown;

/// The target of a check as the log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetName {
    /// The address that is checked.
    Address(IpAddr),
    /// A host name whose addresses are not known, or not yet.
    Host(String),
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Host(name) => f.write_str(&shown(name)),
        }
    }
}

/// The verdicts of a check, counted.
#[derive(Debug, Clone)]
pub(crate) struct VerdictCounts {
    pub(crate) target: TargetName,
    /// The transport's name.
    pub(crate) transport: &'static str,
    pub(crate) ports: usize,
    pub(crate) open: usize,
    not_open: [usize; Reason::ALL.len()],
}

impl VerdictCounts {
    fn new(target: TargetName, transport: &'static str, ports: usize) -> Self {
        Self { target, transport, ports, open: 0, not_open: [0; Reason::ALL.len()] }
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Open => self.open += 1,
            Verdict::NotOpen(reason) => self.not_open[reason as usize] += 1,
        }
    }

    /// Whether a port was judged, and so an address was dialled.
    pub(crate) fn has_verdicts(&self) -> bool {
        self.open > 0 || self.not_open.iter().any(|&count| count > 0)
    }

    /// How many ports are not open for this reason; none instead of zero.
    pub(crate) fn not_open(&self, reason: Reason) -> Option<usize> {
        Some(self.not_open[reason as usize]).filter(|&count| count > 0)
    }
}

/// The counts of a request's check, if it asks for one. The access log attaches it to the request and reads it
/// at the end, whether the client waited for its answer or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckSummary(Arc<Mutex<Option<VerdictCounts>>>);

impl CheckSummary {
    /// Begins to count for `target`; earlier counts are lost.
    pub(crate) fn begin(&self, target: TargetName, transport: &'static str, ports: usize) {
        *self.counts() = Some(VerdictCounts::new(target, transport, ports));
    }

    /// Begins to count for one port of an address.
    pub(crate) fn begin_address(&self, address: IpAddr, transport: &'static str) {
        self.begin(TargetName::Address(address), transport, 1);
    }

    /// Counts one verdict.
    pub(crate) fn count(&self, verdict: Verdict) {
        if let Some(counts) = &mut *self.counts() {
            counts.count(verdict);
        }
    }

    /// The counts so far; none if no check was asked for.
    pub(crate) fn read(&self) -> Option<VerdictCounts> {
        self.counts().clone()
    }

    /// Returns to earlier counts.
    pub(crate) fn restore(&self, counts: Option<VerdictCounts>) {
        *self.counts() = counts;
    }

    fn counts(&self) -> MutexGuard<'_, Option<VerdictCounts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
