//! The allowances that a caller has left.

use std::time::Duration;

use crate::{
    charge::{Charge, Decision},
    subject::Scope,
};

/// The rest of each allowance that a request counts against, after it was charged or refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota(pub Vec<QuotaOfScope>);

/// The rest of one allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaOfScope {
    /// Which limit.
    pub scope: Scope,
    /// Probes that would be admitted now.
    pub remaining: u64,
    /// Until the allowance is whole again.
    pub reset: Duration,
    /// Probes that a whole allowance admits at once.
    pub burst: u64,
    /// How long an empty allowance takes to become whole.
    pub window: Duration,
}

impl Quota {
    pub(crate) fn new(charges: &[Charge], decision: &Decision) -> Self {
        let pairs = charges.iter().zip(&decision.balances);
        let of_scopes = pairs.map(|(Charge { scope, rate, .. }, balance)| QuotaOfScope {
            scope: *scope,
            remaining: balance.remaining,
            reset: balance.reset,
            burst: rate.burst(),
            window: rate.window(),
        });
        Self(of_scopes.collect())
    }
}
