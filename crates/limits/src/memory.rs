//! Limits kept in this process: fixed memory, constant work.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    ops::Range,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::{
    charge::{Change, Mode},
    gcra::{self, Reading},
};

/// Subjects that share a bucket; the work of a charge is to look at these.
const WAYS: usize = 8;

/// Buckets, a power of two. With two words a slot this is 2 MiB, of which the system provides only
/// the touched pages.
const BUCKETS: usize = 16 * 1024;

/// The state of up to 131,072 subjects.
///
/// A subject's hash picks a bucket, and the hash itself, keyed at random, stands for the subject. A
/// full bucket gives up the subject that owes least. A flood of addresses thus makes
/// the table forget those who have asked for little, and each address of the flood is charged itself.
pub(crate) struct MemoryLimits {
    slots: Mutex<Box<[Slot]>>,
    hasher: RandomState,
    epoch: Instant,
}

/// A subject's state. A TAT in the past is worth nothing, so that an unused slot is one from the
/// beginning of time.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    subject: u64,
    tat: u64,
}

impl MemoryLimits {
    pub(crate) fn new() -> Self {
        Self {
            slots: Mutex::new(vec![Slot::default(); BUCKETS * WAYS].into_boxed_slice()),
            hasher: RandomState::new(),
            epoch: Instant::now(),
        }
    }

    /// Makes every change now, or none; a dry run answers alike and changes nothing.
    pub(crate) fn change(&self, changes: &[Change], mode: Mode) -> Vec<Reading> {
        let now = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.change_at(changes, mode, now)
    }

    /// The same at `now`, in microseconds since the table began.
    fn change_at(&self, changes: &[Change], mode: Mode, now: u64) -> Vec<Reading> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let subjects: Vec<u64> = changes.iter().map(|change| self.subject(change)).collect();
        let debts = changes.iter().zip(&subjects).map(|(change, &subject)| {
            gcra::DebtChange::new(tat(&slots, subject), now, change.micros, change.rate)
        });
        let readings = gcra::all_or_none(&debts.collect::<Vec<_>>());
        if mode == Mode::Charge && readings.iter().all(|reading| reading.admitted) {
            for (subject, reading) in subjects.into_iter().zip(&readings) {
                owe(&mut slots, subject, now, reading.debt);
            }
        }
        readings
    }

    /// The hash that stands for the subject of a change; never 0, which stands for nobody.
    fn subject(&self, change: &Change) -> u64 {
        self.hasher.hash_one((change.scope, change.subject)).max(1)
    }
}

/// The TAT of a subject; that of one unknown is long past.
fn tat(slots: &[Slot], subject: u64) -> u64 {
    let bucket = &slots[bucket(subject)];
    bucket.iter().find(|slot| slot.subject == subject).map_or(0, |slot| slot.tat)
}

/// Notes a subject's debt. One that is not known takes the slot of the one that owes least, if it
/// owes anything.
fn owe(slots: &mut [Slot], subject: u64, now: u64, debt: u64) {
    let bucket = &mut slots[bucket(subject)];
    let known = bucket.iter().position(|slot| slot.subject == subject);
    if known.is_none() && debt == 0 {
        return;
    }
    let least = || (0..WAYS).min_by_key(|&way| bucket[way].tat).expect("there are ways");
    let index = known.unwrap_or_else(least);
    bucket[index] = Slot { subject, tat: now.saturating_add(debt) };
}

/// Where a subject's slots are.
fn bucket(subject: u64) -> Range<usize> {
    let bucket = usize::try_from(subject % BUCKETS as u64).expect("less than BUCKETS");
    bucket * WAYS..(bucket + 1) * WAYS
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::{
        gcra::Rate,
        subject::{Scope, Subject},
    };

    /// Ten probes at once, one a second.
    fn change(scope: Scope, subject: u32, probes: i64) -> Change {
        let subject = Subject::of(IpAddr::V4(Ipv4Addr::from(subject)));
        let rate = Rate::new(60, 10).expect("a rate");
        Change { scope, subject, micros: probes * 1_000_000, rate }
    }

    fn charge(limits: &MemoryLimits, changes: &[Change]) -> Vec<bool> {
        let readings = limits.change_at(changes, Mode::Charge, 0);
        readings.iter().map(|reading| reading.admitted).collect()
    }

    #[test]
    fn both_are_charged_or_none() {
        let limits = MemoryLimits::new();
        let (caller, target) = (change(Scope::Caller, 1, 6), change(Scope::ThirdParties, 1, 6));
        assert_eq!(charge(&limits, &[caller, target]), [true, true]);
        let other = change(Scope::Caller, 2, 6);
        assert_eq!(charge(&limits, &[other, target]), [true, false], "too much for the target");
        let rest = [change(Scope::Caller, 2, 10), change(Scope::ThirdParties, 1, 4)];
        assert_eq!(charge(&limits, &rest), [true, true], "the refusal cost nobody anything");
    }

    #[test]
    fn each_scope_of_one_address_is_a_subject() {
        let limits = MemoryLimits::new();
        for scope in Scope::ALL {
            assert_eq!(charge(&limits, &[change(scope, 1, 10)]), [true], "{scope:?}");
        }
    }

    #[test]
    fn a_flood_of_addresses_does_not_free_who_owes_most() {
        let limits = MemoryLimits::new();
        assert_eq!(charge(&limits, &[change(Scope::Caller, 0, 10)]), [true]);
        for address in 1..500_000 {
            charge(&limits, &[change(Scope::Caller, address, 1)]);
        }
        let again = charge(&limits, &[change(Scope::Caller, 0, 1)]);
        assert_eq!(again, [false], "still remembered");
    }

    /// Half as many as there are slots, so that few buckets overflow.
    #[test]
    fn debts_of_many_subjects_are_kept_at_once() {
        const SUBJECTS: u32 = 65_536;
        let limits = MemoryLimits::new();
        for address in 0..SUBJECTS {
            charge(&limits, &[change(Scope::Caller, address, 10)]);
        }
        let again =
            |address: &u32| charge(&limits, &[change(Scope::Caller, *address, 1)]) == [true];
        let forgotten = (0..SUBJECTS).filter(again).count();
        assert!(forgotten < SUBJECTS as usize / 20, "{forgotten} of {SUBJECTS}");
    }

    #[test]
    fn refused_or_free_requests_make_nobody_forgotten() {
        let limits = MemoryLimits::new();
        let admitted = 1_000;
        for address in 0..admitted {
            charge(&limits, &[change(Scope::Caller, address, 10)]);
        }
        for address in 0..500_000 {
            for probes in [11, 0, -1] {
                charge(&limits, &[change(Scope::ThirdParties, address, probes)]);
            }
        }
        let occupied = limits.slots.lock().unwrap().iter().filter(|slot| slot.subject != 0).count();
        assert_eq!(occupied, admitted as usize, "no other took a kind");
    }

    #[test]
    fn a_dry_run_costs_nothing() {
        let limits = MemoryLimits::new();
        let all = [change(Scope::Caller, 1, 10)];
        for mode in [Mode::DryRun, Mode::DryRun, Mode::Charge] {
            assert!(limits.change_at(&all, mode, 0)[0].admitted);
        }
        assert!(!limits.change_at(&all, Mode::DryRun, 0)[0].admitted);
    }

    #[test]
    fn a_returned_charge_can_be_spent_again_and_no_more() {
        let limits = MemoryLimits::new();
        for (probes, admitted, why) in [
            (10, true, "all"),
            (-4, true, "four back"),
            (5, false, "not five"),
            (4, true, "but four"),
            (-20, true, "more than was charged"),
            (11, false, "makes no more than a whole allowance"),
            (10, true, "which is there"),
        ] {
            assert_eq!(charge(&limits, &[change(Scope::Caller, 1, probes)]), [admitted], "{why}");
        }
    }

    #[test]
    fn nothing_asked_costs_nothing() {
        let limits = MemoryLimits::new();
        charge(&limits, &[change(Scope::Caller, 1, 10)]);
        assert_eq!(charge(&limits, &[change(Scope::Caller, 1, 0)]), [true]);
        assert_eq!(charge(&limits, &[]), [true; 0]);
    }
}
