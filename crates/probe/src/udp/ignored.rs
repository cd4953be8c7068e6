//! Datagrams that arrived and answered nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many datagrams and ICMP messages arrived at the sockets of UDP probes and were ignored, since the
/// prober was made. Nothing else of them is kept.
#[derive(Debug, Default)]
pub struct IgnoredDatagrams {
    foreign: AtomicU64,
    malformed: AtomicU64,
    unmatched: AtomicU64,
}

impl IgnoredDatagrams {
    /// From another address than the target's.
    pub fn foreign(&self) -> u64 {
        self.foreign.load(Ordering::Relaxed)
    }

    /// From the target, but no answer by its form: too long, too short, or of another protocol.
    pub fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// Of the right form, but to no attempt that is under way at that port: late, doubled, from another port, or
    /// forged.
    pub fn unmatched(&self) -> u64 {
        self.unmatched.load(Ordering::Relaxed)
    }

    pub(super) fn note_foreign(&self) {
        self.foreign.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_unmatched(&self) {
        self.unmatched.fetch_add(1, Ordering::Relaxed);
    }
}
