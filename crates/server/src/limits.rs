//! How much may be asked: probes per caller and per target.
//!
//! [`tariff`] says what a request costs whom, [`gcra`] is the arithmetic, [`memory`] and [`redis`] are
//! two places to keep its state. A storage decides and says so; nobody decides again.

use std::{net::IpAddr, time::Duration};

use port_checker_probe::subscriber;

mod gcra;
mod headers;
mod limiter;
mod memory;
mod receipt;
mod redis;
mod refusal;
mod tariff;
#[cfg(test)]
mod tests;

use gcra::{Balance, Rate, Reading};
pub(crate) use headers::{RATE_LIMIT, RATE_LIMIT_POLICY, RateLimitHeaders, whole_seconds};
pub(crate) use limiter::Limiter;
pub(crate) use receipt::Receipt;
pub(crate) use tariff::{Asker, Tariff};

/// Whose allowance a limit counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The caller's.
    Caller,
    /// The half of the target's that it spends itself.
    TargetItself,
    /// The half of the target's that all others spend together.
    ThirdParties,
}

impl Scope {
    pub(crate) const ALL: [Self; 3] = [Self::Caller, Self::TargetItself, Self::ThirdParties];

    /// The limit's name in headers and metrics. A request meets one half of a target's allowance at
    /// most.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::TargetItself | Self::ThirdParties => "target",
        }
    }

    /// The limit's name in the keys of Redis.
    const fn key(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::TargetItself => "target:itself",
            Self::ThirdParties => "target:others",
        }
    }
}

/// Whom a limit counts as one: a [`subscriber`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Subject(IpAddr);

impl Subject {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(subscriber(address))
    }

    pub(crate) const fn address(self) -> IpAddr {
        self.0
    }
}

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
    const fn cost(&self) -> u64 {
        self.ports.saturating_mul(self.each)
    }

    /// The most ports that are ever admitted at once.
    const fn max_ports(&self) -> u64 {
        self.rate.burst() / self.each
    }

    fn change(&self) -> Change {
        let micros = i64::try_from(self.rate.micros(self.cost())).unwrap_or(i64::MAX);
        Change { scope: self.scope, subject: self.subject, micros, rate: self.rate }
    }
}

/// A change of a debt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    scope: Scope,
    subject: Subject,
    /// Less than zero gives back.
    micros: i64,
    rate: Rate,
}

/// Whether to charge, or only to tell what would become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Charge,
    Tell,
}

/// What the limits say to a request. Either every charge was made or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// One per charge, in the same order.
    pub(crate) balances: Vec<Balance>,
}

impl Decision {
    /// What a storage's `readings` mean for the charges they were made for.
    fn new(charges: &[Charge], readings: &[Reading]) -> Self {
        let all = readings.iter().all(|reading| reading.admitted);
        let balances = charges.iter().zip(readings).map(|(charge, reading)| {
            let change = if all { charge.change().micros } else { 0 };
            let debt = gcra::changed(reading.debt, change);
            charge.rate.balance(debt, charge.cost(), reading.admitted)
        });
        Self { balances: balances.collect() }
    }

    /// The charge that was refused and would be for longest, if any.
    pub(crate) fn refused(&self) -> Option<(usize, Balance)> {
        let refused = self.balances.iter().copied().enumerate();
        refused.filter(|(_, balance)| !balance.admitted).max_by_key(|(_, balance)| balance.wait)
    }
}

/// How long a client is told to wait at least, so that it does not come back within the same second
/// for a handful of probes.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
