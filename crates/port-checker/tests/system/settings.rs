//! Where settings come from, and what becomes of those that cannot be used.

use std::fs;

use port_checker_server::SETTINGS;

use crate::program::port_checker;

mod files;
mod messages;

/// For every setting a value that cannot be used.
const UNUSABLE: &[(&str, &str, &str)] = &[
    ("PORT_CHECKER_HOST", "example.org", "a name"),
    ("PORT_CHECKER_HOST", "", "nothing"),
    ("PORT_CHECKER_HOST", "[::]", "brackets"),
    ("PORT_CHECKER_PORT", "65536", "above the range"),
    ("PORT_CHECKER_PORT", "http", "not a number"),
    ("PORT_CHECKER_DEBUG", "yes", "neither true nor false"),
    ("PORT_CHECKER_DEBUG", "1", "neither true nor false"),
    ("PORT_CHECK_RETRIES", "0", "no attempt at all"),
    ("PORT_CHECK_RETRIES", "2.5", "half an attempt"),
    ("PORT_CHECK_RETRY_DELAY", "-1", "before the last attempt"),
    ("PORT_CHECK_RETRY_DELAY", "1s", "a unit"),
    ("PORT_CHECK_SETTLE", "5.1", "more than is ever worth waiting"),
    ("PORT_CHECK_TIMEOUT", "0", "no time at all"),
    ("PORT_CHECK_TIMEOUT", "NaN", "not a number"),
    ("PORT_CHECK_DEADLINE", "inf", "no deadline"),
    ("PORT_CHECK_MAX_PORTS", "65536", "more than there are"),
    ("PORT_CHECK_MAX_IN_FLIGHT", "0", "no socket at all"),
    ("PORT_CHECK_MAX_IN_FLIGHT", "1000000000", "more than any machine"),
    ("PORT_CHECKER_TARGETS", "everything", "not one of the three"),
    ("PORT_CHECKER_ALLOW_LOCAL_IPS", "TRUE", "neither true nor false"),
    ("PORT_CHECKER_ALLOWED_TARGETS", "10.0.0.0/33", "too long a prefix"),
    ("PORT_CHECKER_ALLOWED_TARGETS", "10.0.0.1/8", "bits beyond the prefix"),
    ("PORT_CHECKER_ALLOWED_TARGETS", "::ffff:10.0.0.0/104", "IPv4 in IPv6 clothes"),
    ("PORT_CHECKER_DENIED_TARGETS", "10.0.0.0/8,", "an empty part"),
    ("PORT_CHECKER_ALLOWED_PORTS", "0-80", "port 0"),
    ("PORT_CHECKER_ALLOWED_PORTS", "", "no port at all"),
    ("PORT_CHECKER_TRUSTED_PROXIES", "proxy.local", "a name"),
    ("PORT_CHECKER_RATE_PER_MINUTE", "-1", "negative"),
    ("PORT_CHECKER_RATE_BURST", "0", "nothing at all"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "many", "not a number"),
    ("PORT_CHECKER_TARGET_RATE_BURST", "1000001", "above the range"),
    ("PORT_CHECKER_THIRD_PARTY_COST", "0", "third parties for free"),
    ("PORT_CHECKER_REDIS_URL", "http://host", "another protocol"),
    ("PORT_CHECKER_REDIS_URL", "redis://:se/cret@host", "a password that has to be encoded"),
    ("PORT_CHECKER_METRICS_ADDR", "9090", "no address"),
    ("PORT_CHECKER_CORS_ORIGINS", "example.org", "no scheme"),
    ("PORT_CHECKER_CORS_ORIGINS", "https://example.org/", "a path"),
    ("PORT_CHECKER_CORS_ORIGINS", "https://Example.org", "browsers send lower case"),
    ("PORT_CHECKER_CORS_ORIGINS", "https://example.org:443", "browsers leave the usual port out"),
    ("PORT_CHECKER_CORS_ORIGINS", "https://*.example.org", "a pattern"),
    ("PORT_CHECKER_CORS_ORIGINS", "null", "the origin of no page in particular"),
    ("PORT_CHECKER_IPV4_URL", "ipv4.example.org", "no scheme"),
    ("PORT_CHECKER_IPV4_URL", "javascript:alert(1)", "nothing that is visited"),
    ("PORT_CHECKER_IPV6_URL", "https://ipv6.example.org/", "a path"),
    ("PORT_CHECKER_IPV6_URL", "https://ipv6.example.org\"><b>", "what ends an attribute"),
    ("PORT_CHECKER_TLS_CERT", "/nonexistent", "no file"),
    ("PORT_CHECKER_TLS_CERT", "/etc/hostname", "no certificate in it"),
    ("PORT_CHECKER_TLS_KEY", "/etc", "a directory"),
    ("PORT_CHECKER_LOG_FORMAT", "xml", "not one of the two"),
    ("PORT_CHECKER_ISSUER", "checker.example.net", "no scheme"),
    ("PORT_CHECKER_ISSUER", "https://checker.example.net/", "a final slash"),
    ("PORT_CHECKER_ISSUER", "https://checker.example.net", "an issuer without a key"),
    ("PORT_CHECKER_SIGNING_KEY", "/nonexistent", "no file"),
    ("PORT_CHECKER_SIGNING_KEY", "/etc/hostname", "no key in it"),
    ("PORT_CHECKER_SIGNING_KEY", "/dev/zero", "more than a key"),
    ("PORT_CHECKER_NEXT_KEY", "/etc", "a directory"),
    ("PORT_CHECKER_ATTESTATION_LIFETIME", "59", "shorter than clocks differ"),
    ("PORT_CHECKER_ATTESTATION_LIFETIME", "86401", "longer than a day"),
    ("PORT_CHECKER_CLOCK_CHECK", "no", "neither true nor false"),
    ("PORT_CHECKER_PERSPECTIVE", "fra1", "no registry"),
    ("PORT_CHECKER_PERSPECTIVE", "fra1:EUROPE", "not one of the five"),
];

#[test]
fn an_unusable_value_stops_the_start_and_is_named() {
    for setting in SETTINGS {
        let covered = UNUSABLE.iter().any(|(variable, ..)| *variable == setting.variable);
        assert!(covered, "{} has no row", setting.variable);
    }
    for (variable, value, why) in UNUSABLE {
        let setting = SETTINGS.iter().find(|setting| setting.variable == *variable).unwrap();
        let flag = format!("--{}={value}", setting.flag());
        let by_environment = port_checker(&["serve"], &[(variable, value)]).output().unwrap();
        let by_flag = port_checker(&["serve", &flag], &[]).output().unwrap();
        for output in [by_environment, by_flag] {
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{variable}={value}: {why}: {said}");
            assert!(said.contains(variable), "{why}: {said}");
            let shown = if setting.is_secret() { "not shown" } else { &format!("'{value}'") };
            assert!(said.contains(shown), "{why}: {said}");
            assert!(said.contains("expected"), "{why}: {said}");
        }
    }
}

#[test]
fn every_unusable_value_is_told_at_once() {
    let settings = [("PORT_CHECK_RETRIES", "0"), ("PORT_CHECKER_TARGETS", "all")];
    let output = port_checker(&["serve"], &settings).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("PORT_CHECK_RETRIES") && said.contains("PORT_CHECKER_TARGETS"), "{said}");
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file =
        "PORT_CHECK_RETRIES=5\nPORT_CHECK_TIMEOUT=\"2.5\" # quoted\nPORT_CHECK_MAX_PORTS=7\n";
    fs::write(directory.path().join(".env"), file).unwrap();
    let settings = [("PORT_CHECK_TIMEOUT", "3"), ("PORT_CHECK_MAX_PORTS", "8")];
    let args = ["serve", "--check-config", "--check-max-ports", "9", "--debug"];
    let output = port_checker(&args, &settings).current_dir(directory.path()).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    for line in [
        "PORT_CHECK_RETRIES=5",
        "PORT_CHECK_TIMEOUT=3",
        "PORT_CHECK_MAX_PORTS=9",
        "PORT_CHECKER_DEBUG=true",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
    }
    assert_eq!(shown.lines().count(), SETTINGS.len(), "every setting is shown: {shown}");
    assert!(output.status.success());
}

#[test]
fn probable_mistakes_are_reported_by_check_config_too() {
    let settings = [("PORT_CHECKER_TARGTS", "caller"), ("PORT_CHECK_DEADLINE", "1")];
    let output = port_checker(&["serve", "--check-config"], &settings).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("PORT_CHECKER_TARGTS") && said.contains("PORT_CHECK_DEADLINE"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let settings = [("PORT_CHECKER_PORT", &*address.port().to_string())];
    let output = port_checker(&["serve"], &settings).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&address.to_string()) && said.contains("PORT_CHECKER_PORT"), "{said}");
}
