//! The effects of values, and the names of flags.

use super::*;
use crate::config::Config;

#[test]
fn flags_are_named_as_in_the_contract() {
    let flags: Vec<String> = SETTINGS.iter().map(Setting::flag).collect();
    for flag in ["host", "check-retries", "check-max-ports", "allow-local-ips"] {
        assert!(flags.contains(&flag.to_owned()), "--{flag} in {flags:?}");
    }
}

#[test]
fn values_that_can_be_used() {
    let cases = [
        ("PORT_CHECKER_HOST", "::", "::", "both families"),
        ("PORT_CHECK_RETRY_DELAY", "1.0", "1", "as the Python service writes it"),
        ("PORT_CHECK_RETRY_DELAY", "0", "0", "no delay"),
        ("PORT_CHECK_TIMEOUT", ".5", "0.5", "half a second"),
        ("PORT_CHECKER_ALLOWED_TARGETS", "10.0.0.1", "10.0.0.1/32", "an address alone"),
        ("PORT_CHECKER_ALLOWED_TARGETS", "10.0.0.0/8, fd00::/8", "10.0.0.0/8,fd00::/8", "two"),
        ("PORT_CHECKER_DENIED_TARGETS", "", "", "none"),
        ("PORT_CHECKER_CORS_ORIGINS", "https://a.example:8443", "https://a.example:8443", "one"),
        ("PORT_CHECKER_IPV4_URL", "http://192.0.2.1:9000", "http://192.0.2.1:9000", "an address"),
        ("PORT_CHECKER_IPV6_URL", "https://[2001:db8::1]", "https://[2001:db8::1]", "in brackets"),
        ("PORT_CHECKER_IPV6_URL", "", "", "none"),
    ];
    for (variable, text, expected, why) in cases {
        let setting = SETTINGS.iter().find(|setting| setting.variable == variable).unwrap();
        let mut config = Config::default();
        assert_eq!(setting.apply(&mut config, text), Ok(()), "{why}");
        assert_eq!(setting.show(&config), expected, "{why}");
    }
}
