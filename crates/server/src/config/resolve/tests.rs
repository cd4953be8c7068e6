//! The settings in force for each set of values.

use super::*;

type Values<'a> = &'a [(&'a str, &'a str)];

fn resolve(values: Values<'_>) -> Result<Config, Vec<InvalidSetting>> {
    let value = |variable: &str| {
        values.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
    };
    Config::resolve(value, OpenFiles::of(20_000))
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let expected = [
        ("PORT_CHECKER_HOST", "0.0.0.0"),
        ("PORT_CHECKER_PORT", "9000"),
        ("PORT_CHECKER_DEBUG", "false"),
        ("PORT_CHECK_RETRIES", "3"),
        ("PORT_CHECK_RETRY_DELAY", "1"),
        ("PORT_CHECK_TIMEOUT", "5"),
        ("PORT_CHECK_SETTLE", "0.5"),
        ("PORT_CHECK_DEADLINE", "25"),
        ("PORT_CHECK_MAX_PORTS", "1024"),
        ("PORT_CHECK_MAX_IN_FLIGHT", "8192"),
        ("PORT_CHECKER_TARGETS", "public"),
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "false"),
        ("PORT_CHECKER_ALLOWED_TARGETS", ""),
        ("PORT_CHECKER_DENIED_TARGETS", ""),
        ("PORT_CHECKER_ALLOWED_PORTS", "1-65535"),
        ("PORT_CHECKER_TRUSTED_PROXIES", ""),
        ("PORT_CHECKER_RATE_PER_MINUTE", "600"),
        ("PORT_CHECKER_RATE_BURST", "2048"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "600"),
        ("PORT_CHECKER_TARGET_RATE_BURST", "2048"),
        ("PORT_CHECKER_THIRD_PARTY_COST", "5"),
        ("PORT_CHECKER_REDIS_URL", ""),
        ("PORT_CHECKER_CORS_ORIGINS", "*"),
        ("PORT_CHECKER_IPV4_URL", ""),
        ("PORT_CHECKER_IPV6_URL", ""),
        ("PORT_CHECKER_METRICS_ADDR", ""),
        ("PORT_CHECKER_TLS_CERT", ""),
        ("PORT_CHECKER_TLS_KEY", ""),
        ("PORT_CHECKER_LOG_FORMAT", "text"),
        ("PORT_CHECKER_ISSUER", ""),
        ("PORT_CHECKER_SIGNING_KEY", ""),
        ("PORT_CHECKER_NEXT_KEY", ""),
        ("PORT_CHECKER_ATTESTATION_LIFETIME", "7200"),
        ("PORT_CHECKER_CLOCK_CHECK", "true"),
        ("PORT_CHECKER_PERSPECTIVE", ""),
    ];
    let config = resolve(&[]).unwrap();
    let in_force: Vec<_> = config.in_force().collect();
    assert_eq!(in_force, expected.map(|(variable, value)| (variable, value.to_owned())));
}

#[test]
fn shown_values_can_be_set() {
    let config = resolve(&[]).unwrap();
    let shown: Vec<_> = config.in_force().collect();
    let values: Vec<_> =
        shown.iter().map(|(variable, value)| (*variable, value.as_str())).collect();
    assert_eq!(resolve(&values).unwrap().in_force().collect::<Vec<_>>(), shown);
}

#[test]
fn a_development_environment_admits_local_addresses_unless_told_otherwise() {
    let development = ("GOLEM_ENVIRONMENT", "development");
    let cases: [(Values<'_>, bool, &str); 5] = [
        (&[], false, "the default"),
        (&[development], true, "development"),
        (&[("GOLEM_ENVIRONMENT", "Development")], true, "read in any case"),
        (&[development, ("PORT_CHECKER_ALLOW_LOCAL_IPS", "false")], false, "said explicitly"),
        (&[("GOLEM_ENVIRONMENT", "production")], false, "any other environment"),
    ];
    for (values, allowed, why) in cases {
        assert_eq!(resolve(values).unwrap().policy.allow_local, allowed, "{why}");
    }
}

#[test]
fn warnings_about_settings_that_are_probably_not_meant() {
    let cases: [(Values<'_>, Option<&str>); 10] = [
        (&[("PORT_CHECK_MAX_IN_FLIGHT", "1000")], Some("800 ports")),
        (&[], None),
        (&[("PORT_CHECK_DEADLINE", "15")], None),
        (&[("PORT_CHECK_DEADLINE", "14.9")], Some("PORT_CHECK_RETRIES × PORT_CHECK_TIMEOUT (15s)")),
        (
            &[("PORT_CHECK_DEADLINE", "6.9")],
            Some("a port that never answers takes 7s, not less than PORT_CHECK_DEADLINE (6.9s)"),
        ),
        (
            &[("PORT_CHECK_DEADLINE", "7")],
            Some("a port that never answers takes 7s, not less than PORT_CHECK_DEADLINE (7s)"),
        ),
        (&[("PORT_CHECK_DEADLINE", "7.1")], Some("PORT_CHECK_RETRIES × PORT_CHECK_TIMEOUT (15s)")),
        (&[("PORT_CHECKER_TARGETS", "any")], Some("PORT_CHECKER_TARGETS=any")),
        (&[("PORT_CHECKER_RATE_BURST", "1000")], Some("PORT_CHECKER_RATE_BURST to 1024")),
        (&[("PORT_CHECKER_THIRD_PARTY_COST", "21")], Some("PORT_CHECKER_THIRD_PARTY_COST is 21")),
    ];
    for (values, expected) in cases {
        let warnings = resolve(values).unwrap().warnings();
        assert_eq!(warnings.len(), usize::from(expected.is_some()), "{values:?}: {warnings:?}");
        assert!(expected.is_none_or(|text| warnings[0].contains(text)), "{warnings:?}");
    }
}

#[test]
fn more_sockets_than_the_open_file_limit_holds_are_rejected() {
    let rejected = resolve(&[("PORT_CHECK_MAX_IN_FLIGHT", "19961")]).unwrap_err();
    assert_eq!(
        rejected[0].to_string(),
        "PORT_CHECK_MAX_IN_FLIGHT: '19961' cannot be used; \
         expected at most 19960 with an open-file limit of 20000"
    );
}
