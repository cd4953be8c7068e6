//! The charge for a check of a third party's ports, part of which may be given back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;
use tracing::Instrument;

use crate::{
    charge::{Change, Charge},
    storage::{Storage, StorageKind},
};

/// The surplus that a check was charged beyond one probe a port.
///
/// A port whose challenge matched is the caller's own, whatever its address. Its cost above one
/// probe is given back by [`Receipt::give_back`] before the answer ends, or later by a task if the
/// receipt is dropped because the client hung up.
#[derive(Default)]
pub struct Receipt(Option<Surplus>);

struct Surplus {
    storage: Arc<Storage>,
    kind: StorageKind,
    charge: Charge,
    /// The caller's debt right after the charge, which was made after `began`.
    owed: Duration,
    began: Instant,
    /// Ports whose challenge matched.
    matched: u64,
}

impl Receipt {
    /// For a caller that was charged after `began` and then `owed` so much.
    pub(crate) fn new(
        (storage, kind): (Arc<Storage>, StorageKind),
        charge: Charge,
        (owed, began): (Duration, Instant),
    ) -> Self {
        Self(Some(Surplus { storage, kind, charge, owed, began, matched: 0 }))
    }

    /// Notes a port whose challenge matched.
    pub fn note_match(&mut self) {
        if let Some(surplus) = &mut self.0 {
            surplus.matched += 1;
        }
    }

    /// Gives back the cost of the noted ports above one probe each. Does nothing a second time.
    pub async fn give_back(&mut self) {
        if let Some(surplus) = self.take() {
            surplus.give_back().await;
        }
    }

    fn take(&mut self) -> Option<Surplus> {
        self.0.take().filter(|surplus| surplus.matched > 0)
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let (Some(surplus), Ok(runtime)) = (self.take(), Handle::try_current()) {
            // It lasts no longer than Redis may take to answer.
            drop(runtime.spawn(surplus.give_back().in_current_span()));
        }
    }
}

impl Surplus {
    async fn give_back(self) {
        self.storage.give_back(self.kind, self.change()).await;
    }

    /// The change that gives back.
    fn change(&self) -> Change {
        let paid = self.charge.rate.micros(self.matched.saturating_mul(self.charge.each - 1));
        let back = left(Duration::from_micros(paid), self.owed, self.began.elapsed());
        let micros = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
        Change { micros: -micros, ..self.charge.change() }
    }
}

/// The part of an overpayment that is still owed after `elapsed`. Debts shrink as time passes: a part that
/// time has paid off is not given back once more, or a slow check would be worth more than it cost.
fn left(paid: Duration, owed: Duration, elapsed: Duration) -> Duration {
    paid.min(owed.saturating_sub(elapsed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn time_that_has_passed_is_not_given_back() {
        let cases = [
            (40, 50, 0, 40, "at once"),
            (40, 50, 7, 40, "after seven seconds, which paid off the rest of the debt"),
            (40, 50, 30, 20, "after half a minute"),
            (40, 50, 60, 0, "after a minute nothing is owed any more"),
            (40, 200, 60, 40, "unless more was owed before"),
            (0, 50, 0, 0, "nothing matched"),
        ];
        for (paid, owed, elapsed, back, why) in cases {
            let [paid, owed, elapsed, back] = [paid, owed, elapsed, back].map(Duration::from_secs);
            assert_eq!(left(paid, owed, elapsed), back, "{why}");
        }
    }

    proptest! {
        /// A caller never owes less than if it had been charged the lower price to begin with,
        /// whatever else it asks for meanwhile.
        #[test]
        fn nobody_gains_by_a_returned_surplus(
            before in 0..100u64,
            cost in 0..100u64,
            surplus in 0..100u64,
            others in prop::collection::vec((0..60u64, 0..50u64), 0..5),
        ) {
            let (mut debt, mut fair, mut elapsed) = (before + cost + surplus, before + cost, 0);
            let owed = debt;
            for (later, other) in others {
                elapsed += later;
                debt = debt.saturating_sub(later) + other;
                fair = fair.saturating_sub(later) + other;
            }
            let [surplus, owed, elapsed] = [surplus, owed, elapsed].map(Duration::from_secs);
            let back = left(surplus, owed, elapsed).as_secs();
            prop_assert!(debt - back >= fair, "{debt} - {back} < {fair}");
        }
    }
}
