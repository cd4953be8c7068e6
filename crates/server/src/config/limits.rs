//! The settings of the rate limits, and their consequences for other settings.

use port_checker_limits::{Asker, Limits, Scope, Tariff};
use port_checker_probe::Targets;

use super::{parse::whole, setting::Setting};

/// The settings of the rate limits.
pub(super) const LIMITS: &[Setting] = &[
    Setting {
        variable: "PORT_CHECKER_RATE_PER_MINUTE",
        help: "Probes a caller may ask for per minute in the long run, up to 1000000; 0 turns the \
               limit off",
        set: |config, text| {
            whole(text, 0..=1_000_000).map(|value| config.limits.caller.per_minute = value)
        },
        show: |config| config.limits.caller.per_minute.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_RATE_BURST",
        help: "Probes a caller may ask for at once, 1 to 1000000",
        set: |config, text| {
            whole(text, 1..=1_000_000).map(|value| config.limits.caller.burst = value)
        },
        show: |config| config.limits.caller.burst.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_TARGET_RATE_PER_MINUTE",
        help: "Probes of a target per minute in the long run, up to 1000000: half for itself, half \
               for all others together; 0 turns the limit off",
        set: |config, text| {
            whole(text, 0..=1_000_000).map(|value| config.limits.target.per_minute = value)
        },
        show: |config| config.limits.target.per_minute.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_TARGET_RATE_BURST",
        help: "Probes of a target at once, 1 to 1000000: half for itself, half for all others \
               together",
        set: |config, text| {
            whole(text, 1..=1_000_000).map(|value| config.limits.target.burst = value)
        },
        show: |config| config.limits.target.burst.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_THIRD_PARTY_COST",
        help: "How many times a probe counts for its caller when the target is not the caller, 1 \
               to 10000; once if the challenge matched",
        set: |config, text| {
            whole(text, 1..=10_000).map(|value| config.limits.third_party_cost = value)
        },
        show: |config| config.limits.third_party_cost.to_string(),
    },
];

/// Ports that a provider of the Golem Network asks about when it starts.
const PROVIDER_PORTS: u64 = 100;

/// Requests that other settings allow and that the limits never admit.
pub(super) fn warnings(limits: &Limits, max_ports: usize, targets: Targets) -> Vec<String> {
    let wanted = max_ports as u64;
    let own = too_few(limits, Asker::Itself, wanted).map(|(max, raise)| {
        format!(
            "PORT_CHECK_MAX_PORTS={wanted}, but the limits admit at most {max} ports at once of \
                 the caller's own address: raise {raise}"
        )
    });
    let third_parties = too_few(limits, Asker::ThirdParty, wanted.min(PROVIDER_PORTS))
            .filter(|_| targets != Targets::Caller)
            .map(|(max, raise)| {
                format!(
                    "the limits admit at most {max} ports at once of an address that is not the \
                     caller's own, and a provider that is reached at another address than it asks \
                     from asks about {PROVIDER_PORTS}: raise {raise}, or set PORT_CHECKER_TARGETS=caller"
                )
            });
    own.into_iter().chain(third_parties).collect()
}

/// The most ports that are ever admitted at once, if that is less than `wanted`, and the settings
/// to raise.
fn too_few(limits: &Limits, asker: Asker, wanted: u64) -> Option<(u64, String)> {
    let bounds = Tariff::new(limits).max_ports(asker);
    let bounds = bounds.into_iter().filter(|&(_, max)| max < wanted);
    let raise = bounds.clone().map(|(scope, _)| match scope {
        Scope::Caller if asker == Asker::Itself => {
            format!("PORT_CHECKER_RATE_BURST to {wanted}")
        }
        Scope::Caller => format!(
            "PORT_CHECKER_RATE_BURST to {} (PORT_CHECKER_THIRD_PARTY_COST is {})",
            wanted * u64::from(limits.third_party_cost),
            limits.third_party_cost
        ),
        Scope::TargetItself | Scope::ThirdParties => {
            format!("PORT_CHECKER_TARGET_RATE_BURST to {}, half of which counts here", wanted * 2)
        }
    });
    let raise = raise.collect::<Vec<_>>().join(" and ");
    bounds.map(|(_, max)| max).min().map(|max| (max, raise))
}

#[cfg(test)]
mod tests {
    use port_checker_limits::Allowance;

    use super::*;

    #[test]
    fn limits_that_never_admit_requests_that_other_settings_allow_are_named() {
        const OWN: &str = "ports at once of the caller's own address: raise ";
        const THIRD: &str = "not the caller's own";
        const BURST: &str = "PORT_CHECKER_RATE_BURST to ";
        const TARGET: &str = "PORT_CHECKER_TARGET_RATE_BURST to ";
        type Warnings<'a> = &'a [[&'a str; 3]];
        let limits = Limits::default();
        let burst = |burst| Limits { caller: Allowance { burst, ..limits.caller }, ..limits };
        let target = |burst| Limits { target: Allowance { burst, ..limits.target }, ..limits };
        let off = Allowance { per_minute: 0, burst: 1 };
        let (open, own_only) = (Targets::Public, Targets::Caller);
        let cases: [(Limits, usize, Targets, Warnings<'_>, &str); 10] = [
            (limits, 1024, open, &[], "the defaults"),
            (limits, 1025, open, &[["1024", OWN, TARGET]], "more than the target's half"),
            (burst(1000), 1024, open, &[["1000", OWN, BURST]], "more than the caller's burst"),
            (burst(499), 400, open, &[["99", THIRD, "BURST to 500"]], "99 ports, five times each"),
            (burst(4), 4, open, &[["0", THIRD, "BURST to 20"]], "not even one port"),
            (burst(499), 400, own_only, &[], "third parties are refused anyway"),
            (burst(100), 20, open, &[], "no request is larger than that"),
            (target(1), 1, open, &[["0", THIRD, "BURST to 2"]], "the half of one is none"),
            (
                target(150),
                1024,
                Targets::Any,
                &[["75", OWN, "BURST to 2048"], ["75", THIRD, "BURST to 200"]],
                "both halves are small",
            ),
            (Limits { caller: off, target: off, ..limits }, 65_535, open, &[], "no limits"),
        ];
        for (limits, max_ports, targets, said, why) in cases {
            let warnings = warnings(&limits, max_ports, targets);
            assert_eq!(warnings.len(), said.len(), "{why}: {warnings:?}");
            for (warning, [most, about, raise]) in warnings.iter().zip(said) {
                let admits = format!("the limits admit at most {most} ports");
                for text in [&*admits, about, raise] {
                    assert!(warning.contains(text), "{why}: {warning}");
                }
            }
        }
    }
}
