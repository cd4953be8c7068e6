//! The settings of the rate limits, and those among them that admit less than is probably meant.

use port_checker_probe::Targets;

use crate::limits::{Asker, Tariff};

/// Ports that a provider of the Golem Network asks about when it starts.
const PROVIDER_PORTS: u64 = 100;

/// How many probes (ports) may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// By one caller: an IPv4 address or an IPv6 /64.
    pub caller: Allowance,
    /// Of one target: an IPv4 address or an IPv6 /64. Third parties together may spend half of it, and
    /// nobody but the target the other half.
    pub target: Allowance,
    /// How many times a probe counts for its caller when the target is not the caller.
    pub third_party_cost: u32,
}

/// How many probes a caller or target may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// In the long run; 0 turns the limit off.
    pub per_minute: u32,
    /// At once.
    pub burst: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { per_minute: 600, burst: 2048 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { caller: Allowance::default(), target: Allowance::default(), third_party_cost: 5 }
    }
}

impl Limits {
    /// Requests that other settings allow and that the limits never admit.
    pub(super) fn warnings(&self, max_ports: usize, targets: Targets) -> Vec<String> {
        let tariff = Tariff::new(self);
        let wanted = max_ports as u64;
        let too_few = |asker, wanted| tariff.max_ports(asker).filter(|&most| most < wanted);
        let own = too_few(Asker::Itself, wanted).map(|most| {
            format!(
                "PORT_CHECK_MAX_PORTS={max_ports} is more than the {most} ports of its own address \
                 that the limits ever admit to a caller at once; raise PORT_CHECKER_RATE_BURST ({}) \
                 or PORT_CHECKER_TARGET_RATE_BURST ({}, of which the target itself has half)",
                self.caller.burst, self.target.burst
            )
        });
        let third_parties = too_few(Asker::ThirdParty, wanted.min(PROVIDER_PORTS))
            .filter(|_| targets != Targets::Caller)
            .map(|most| {
                format!(
                    "the limits never admit more than {most} ports at once of an address that is not \
                     the caller's own, and a provider that is reached over another address asks \
                     about {PROVIDER_PORTS}; raise PORT_CHECKER_RATE_BURST ({}) or \
                     PORT_CHECKER_TARGET_RATE_BURST ({}, of which third parties have half), lower \
                     PORT_CHECKER_THIRD_PARTY_COST ({}), or set PORT_CHECKER_TARGETS=caller",
                    self.caller.burst, self.target.burst, self.third_party_cost
                )
            });
        own.into_iter().chain(third_parties).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_never_admit_what_other_settings_allow_are_named() {
        const OWN: &str = "ports of its own address";
        const THIRD: &str = "not the caller's own";
        type Said<'a> = &'a [&'a str];
        let limits = Limits::default();
        let burst = |burst| Limits { caller: Allowance { burst, ..limits.caller }, ..limits };
        let target = |burst| Limits { target: Allowance { burst, ..limits.target }, ..limits };
        let off = Limits {
            caller: Allowance { per_minute: 0, burst: 1 },
            target: Allowance { per_minute: 0, burst: 1 },
            ..limits
        };
        let cases: [(Limits, usize, Targets, Said<'_>, &str); 10] = [
            (limits, 1024, Targets::Public, &[], "the defaults"),
            (limits, 1025, Targets::Public, &[OWN], "more than the target's half"),
            (burst(1000), 1024, Targets::Public, &[OWN], "more than the caller's burst"),
            (burst(499), 400, Targets::Public, &[THIRD], "99 ports, five times each"),
            (burst(4), 4, Targets::Any, &[THIRD], "not even one port"),
            (burst(499), 400, Targets::Caller, &[], "third parties are refused anyway"),
            (burst(100), 20, Targets::Public, &[], "no request is larger than that"),
            (target(1), 1, Targets::Public, &[THIRD], "the half of one is none"),
            (target(150), 1024, Targets::Public, &[OWN, THIRD], "both halves are small"),
            (off, 65_535, Targets::Public, &[], "no limits"),
        ];
        for (limits, max_ports, targets, said, why) in cases {
            let warnings = limits.warnings(max_ports, targets);
            assert_eq!(warnings.len(), said.len(), "{why}: {warnings:?}");
            for (warning, text) in warnings.iter().zip(said) {
                assert!(warning.contains(text), "{why}: {warning}");
            }
        }
    }
}
