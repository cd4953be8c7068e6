//! A request's charges, and the decision about them.

use crate::{
    gcra::{Balance, Rate, Reading},
    subject::{Scope, Subject},
};

/// One limit that a request counts against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) scope: Scope,
    pub(crate) subject: Subject,
    pub(crate) rate: Rate,
    pub(crate) ports: u64,
    /// How many probes a port counts as.
    pub(crate) each: u64,
}

impl Charge {
    /// In probes.
    pub(crate) const fn cost(&self) -> u64 {
        self.ports.saturating_mul(self.each)
    }

    /// The most ports that are ever admitted at once.
    pub(crate) const fn max_ports(&self) -> u64 {
        self.rate.burst() / self.each
    }

    pub(crate) fn change(&self) -> Change {
        let micros = i64::try_from(self.rate.micros(self.cost())).unwrap_or(i64::MAX);
        Change { scope: self.scope, subject: self.subject, micros, rate: self.rate }
    }
}

/// A change of a debt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) scope: Scope,
    pub(crate) subject: Subject,
    /// Less than zero gives back.
    pub(crate) micros: i64,
    pub(crate) rate: Rate,
}

/// Whether to charge, or only to answer as if.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Charge, if every limit admits it.
    Charge,
    /// Change nothing.
    DryRun,
}

/// The storage's answer to a request. Either every charge was made or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// One per charge, in the same order.
    pub(crate) balances: Vec<Balance>,
}

impl Decision {
    /// The storage's `readings` for `charges`, in probes.
    pub(crate) fn new(charges: &[Charge], readings: &[Reading]) -> Self {
        let balances = charges.iter().zip(readings).map(|(charge, reading)| {
            charge.rate.balance(reading.debt, charge.cost(), reading.admitted)
        });
        Self { balances: balances.collect() }
    }

    /// The charge that was refused and would be for longest, if any.
    pub(crate) fn refused(&self) -> Option<(usize, Balance)> {
        let refused = self.balances.iter().copied().enumerate();
        refused.filter(|(_, balance)| !balance.admitted).max_by_key(|(_, balance)| balance.wait)
    }
}
