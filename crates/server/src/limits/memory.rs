//! Limits kept in this process: fixed memory, constant work.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    ops::Range,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use super::{Charge, Decision, Mode};

/// Subjects that share a bucket; the work of a charge is to look at these.
const WAYS: usize = 8;

/// Buckets, a power of two. With two words a slot this is 2 MiB, of which the system provides only
/// what is touched.
const BUCKETS: usize = 16 * 1024;

/// The state of up to 131,072 subjects.
///
/// A subject's hash picks a bucket, and the hash itself, keyed at random, stands for the subject. A
/// full bucket gives up the subject that owes least. Whoever floods the table with addresses thus
/// makes it forgetful about those who have asked for little, and pays for each address itself.
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

    /// Makes every charge now, or none; or only tells what would be.
    pub(crate) fn charge(&self, charges: &[Charge], mode: Mode) -> Decision {
        let now = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.charge_at(charges, mode, now)
    }

    /// The same at `now`, in microseconds since the table began.
    fn charge_at(&self, charges: &[Charge], mode: Mode, now: u64) -> Decision {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let subjects: Vec<u64> = charges.iter().map(|charge| self.subject(charge)).collect();
        let before: Vec<u64> = subjects.iter().map(|&subject| tat(&slots, subject)).collect();
        let decision = Decision::of(charges, &before, now);
        if decision.is_admitted() && mode == Mode::Charge {
            for ((charge, subject), tat) in charges.iter().zip(subjects).zip(before) {
                let tat = charge.rate.charged(tat, now, charge.cost);
                *slot(&mut slots, subject) = Slot { subject, tat };
            }
        }
        decision
    }

    /// What stands for the subject of a charge; never 0, which stands for nobody.
    fn subject(&self, charge: &Charge) -> u64 {
        self.hasher.hash_one((charge.side, charge.subject)).max(1)
    }
}

/// The TAT of a subject; that of one unknown is long past.
fn tat(slots: &[Slot], subject: u64) -> u64 {
    let bucket = &slots[bucket(subject)];
    bucket.iter().find(|slot| slot.subject == subject).map_or(0, |slot| slot.tat)
}

/// The slot of a subject, or if it has none, that of whoever owes least.
fn slot(slots: &mut [Slot], subject: u64) -> &mut Slot {
    let bucket = &mut slots[bucket(subject)];
    let known = bucket.iter().position(|slot| slot.subject == subject);
    let least = || (0..WAYS).min_by_key(|&way| bucket[way].tat).expect("there are ways");
    let index = known.unwrap_or_else(least);
    &mut bucket[index]
}

/// Where a subject's slots are.
fn bucket(subject: u64) -> Range<usize> {
    let bucket = usize::try_from(subject % BUCKETS as u64).expect("less than BUCKETS");
    bucket * WAYS..(bucket + 1) * WAYS
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{
        super::{Rate, Side, Subject},
        *,
    };

    fn charge(side: Side, subject: u32, cost: u64) -> Charge {
        let subject = Subject::of(IpAddr::V4(Ipv4Addr::from(subject)));
        Charge { side, subject, rate: Rate::new(60, 10).expect("a rate"), cost }
    }

    #[test]
    fn both_are_charged_or_none() {
        let limits = MemoryLimits::new();
        let (caller, target) = (charge(Side::Caller, 1, 6), charge(Side::Target, 1, 6));
        assert_eq!(limits.charge_at(&[caller, target], Mode::Charge, 0).refused(), None);
        let other = charge(Side::Caller, 2, 6);
        let (refused, standing) =
            limits.charge_at(&[other, target], Mode::Charge, 0).refused().unwrap();
        assert_eq!((refused, standing.remaining), (1, 4), "the target's allowance is too small");
        let rest = [charge(Side::Caller, 2, 10), charge(Side::Target, 1, 4)];
        assert_eq!(
            limits.charge_at(&rest, Mode::Charge, 0).refused(),
            None,
            "the refusal cost nobody anything"
        );
    }

    #[test]
    fn caller_and_target_of_one_address_are_two_subjects() {
        let limits = MemoryLimits::new();
        assert_eq!(
            limits.charge_at(&[charge(Side::Caller, 1, 10)], Mode::Charge, 0).refused(),
            None
        );
        assert_eq!(
            limits.charge_at(&[charge(Side::Target, 1, 10)], Mode::Charge, 0).refused(),
            None
        );
    }

    #[test]
    fn a_flood_of_addresses_does_not_free_who_owes_most() {
        let limits = MemoryLimits::new();
        assert_eq!(
            limits.charge_at(&[charge(Side::Caller, 0, 10)], Mode::Charge, 0).refused(),
            None
        );
        for address in 1..500_000 {
            limits.charge_at(&[charge(Side::Caller, address, 1)], Mode::Charge, 0);
        }
        let again = limits.charge_at(&[charge(Side::Caller, 0, 1)], Mode::Charge, 0);
        assert!(again.refused().is_some(), "still remembered");
    }

    #[test]
    fn what_is_refused_makes_nobody_forgotten() {
        let limits = MemoryLimits::new();
        let admitted = 1_000;
        for address in 0..admitted {
            limits.charge_at(&[charge(Side::Caller, address, 10)], Mode::Charge, 0);
        }
        for address in 0..500_000 {
            limits.charge_at(&[charge(Side::Target, address, 11)], Mode::Charge, 0);
        }
        let occupied = limits.slots.lock().unwrap().iter().filter(|slot| slot.subject != 0).count();
        assert_eq!(occupied, admitted as usize, "no refused target took a place");
    }

    #[test]
    fn telling_costs_nothing() {
        let limits = MemoryLimits::new();
        let all = [charge(Side::Caller, 1, 10)];
        for mode in [Mode::Tell, Mode::Tell, Mode::Charge] {
            assert_eq!(limits.charge_at(&all, mode, 0).refused(), None);
        }
        assert!(limits.charge_at(&all, Mode::Tell, 0).refused().is_some());
    }

    #[test]
    fn nothing_asked_costs_nothing() {
        let limits = MemoryLimits::new();
        limits.charge_at(&[charge(Side::Caller, 1, 10)], Mode::Charge, 0);
        assert_eq!(
            limits.charge_at(&[charge(Side::Caller, 1, 0)], Mode::Charge, 0).refused(),
            None
        );
        assert_eq!(limits.charge_at(&[], Mode::Charge, 0), Decision { standings: Vec::new() });
    }
}
