//! What a check of a third party's ports was charged, and what of it is given back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Change, Charge, Limiter, limiter::Storage};

/// What a check was charged beyond one probe a port.
///
/// A port whose challenge matched is the caller's own, whatever its address: what it cost above one
/// probe is given back. Only [`Receipt::give_back`] does that: dropping the receipt does not.
#[derive(Default)]
pub(crate) struct Receipt(Option<Surplus>);

struct Surplus {
    limiter: Arc<Limiter>,
    storage: Storage,
    charge: Charge,
    /// What the caller owed right after the charge.
    owed: Duration,
    charged: Instant,
    /// Ports whose challenge matched.
    matched: u64,
}

impl Receipt {
    /// For a caller that was charged and then `owed` so much.
    pub(super) fn new(
        limiter: &Arc<Limiter>,
        storage: Storage,
        charge: Charge,
        owed: Duration,
    ) -> Self {
        let (limiter, charged) = (Arc::clone(limiter), Instant::now());
        Self(Some(Surplus { limiter, storage, charge, owed, charged, matched: 0 }))
    }

    /// Notes a port whose challenge matched.
    pub(crate) fn note_match(&mut self) {
        if let Some(surplus) = &mut self.0 {
            surplus.matched += 1;
        }
    }

    /// Gives back what the noted ports cost above one probe each. Does nothing a second time.
    pub(crate) async fn give_back(&mut self) {
        let Some(surplus) = self.0.take().filter(|surplus| surplus.matched > 0) else { return };
        let change = surplus.change();
        surplus.limiter.give_back(surplus.storage, change).await;
    }
}

impl Surplus {
    /// What is left of the surplus now. Debts shrink as time passes; what time has paid off already
    /// is not given back once more.
    fn change(&self) -> Change {
        let paid = self.charge.rate.micros(self.matched.saturating_mul(self.charge.each - 1));
        let owed = self.owed.saturating_sub(self.charged.elapsed()).as_micros();
        let micros = paid.min(u64::try_from(owed).unwrap_or(u64::MAX));
        let back = i64::try_from(micros).unwrap_or(i64::MAX);
        Change { micros: -back, ..self.charge.change() }
    }
}
