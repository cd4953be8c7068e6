//! How much may be asked: probes per caller and per target.
//!
//! [`gcra`] is the arithmetic, [`memory`] and [`redis`] are two places to keep its state.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

mod gcra;
mod headers;
mod limiter;
mod memory;
mod redis;

use gcra::{Rate, Standing};
pub(crate) use headers::{RATE_LIMIT, RATE_LIMIT_POLICY, RateLimitHeaders, whole_seconds};
pub(crate) use limiter::Limiter;

/// Whose allowance a limit counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// Whoever asks.
    Caller,
    /// Whoever is asked about.
    Target,
}

impl Side {
    /// The side's name in headers, keys and metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Target => "target",
        }
    }
}

/// Whom a limit counts as one: an IPv4 address, or an IPv6 /64, which is one subscriber's
/// (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Subject(IpAddr);

impl Subject {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Self(Ipv6Addr::from(network).into())
            }
            address => Self(address),
        }
    }

    pub(crate) const fn address(self) -> IpAddr {
        self.0
    }
}

/// One limit that a request counts against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) side: Side,
    pub(crate) subject: Subject,
    pub(crate) rate: Rate,
    /// In probes.
    pub(crate) cost: u64,
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
    pub(crate) standings: Vec<Standing>,
}

impl Decision {
    /// Decides about `charges` to subjects whose TATs are `before`, at `now`.
    fn of(charges: &[Charge], before: &[u64], now: u64) -> Self {
        let after = |(charge, &tat): (&Charge, &u64)| charge.rate.charged(tat, now, charge.cost);
        let pairs = || charges.iter().zip(before);
        let admitted: Vec<bool> =
            pairs().map(|pair| pair.0.rate.admits(after(pair), now)).collect();
        let all = admitted.iter().all(|&admitted| admitted);
        let standings = pairs().zip(admitted).map(|(pair, admitted)| {
            let tat = if all { after(pair) } else { *pair.1 };
            pair.0.rate.standing(tat, now, pair.0.cost, admitted)
        });
        Self { standings: standings.collect() }
    }

    /// Whether every charge was made.
    fn is_admitted(&self) -> bool {
        self.standings.iter().all(|standing| standing.admitted)
    }

    /// The charge that was refused and would be for longest, if any.
    pub(crate) fn refused(&self) -> Option<(usize, Standing)> {
        let refused = self.standings.iter().copied().enumerate();
        refused.filter(|(_, standing)| !standing.admitted).max_by_key(|(_, standing)| standing.wait)
    }
}

/// How long a client is told to wait at least, so that it does not come back within the same second
/// for a handful of probes.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_counts_as_one() {
        let cases = [
            ("198.51.100.7", "198.51.100.7", "an IPv4 address"),
            ("::ffff:198.51.100.7", "198.51.100.7", "the same, mapped"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "an IPv6 subscriber"),
        ];
        for (address, subject, why) in cases {
            let expected: IpAddr = subject.parse().unwrap();
            assert_eq!(Subject::of(address.parse().unwrap()).address(), expected, "{why}");
        }
    }
}
