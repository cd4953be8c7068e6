//! Promises of the contract that hold whatever server or client uses these types.

use std::{net::IpAddr, num::NonZeroU16};

use port_checker_api::{
    Challenge, CheckRequest, ErrorCode, JsonPort, Port, PortRanges, Results, distinct, subscriber,
};

fn port(number: u16) -> Port {
    NonZeroU16::new(number).expect("no test is about port 0")
}

#[test]
fn every_error_code_has_the_status_of_the_contract() {
    let cases = [
        (ErrorCode::InvalidIp, 422),
        (ErrorCode::InvalidPort, 422),
        (ErrorCode::TooManyPorts, 422),
        (ErrorCode::InvalidChallenge, 422),
        (ErrorCode::InvalidRequest, 422),
        (ErrorCode::AttestationUnavailable, 422),
        (ErrorCode::TargetNotAllowed, 403),
        (ErrorCode::RateLimited, 429),
        (ErrorCode::Overloaded, 503),
        (ErrorCode::CheckFailed, 503),
        (ErrorCode::PayloadTooLarge, 413),
        (ErrorCode::UnsupportedMediaType, 415),
        (ErrorCode::NotFound, 404),
        (ErrorCode::MethodNotAllowed, 405),
        (ErrorCode::RequestTimeout, 408),
        (ErrorCode::Internal, 500),
    ];
    for (code, status) in cases {
        assert_eq!(code.status(), status, "{}", code.name());
    }
}

#[test]
fn a_challenge_keeps_its_characters_and_shows_none() {
    let challenge: Challenge = "0123456789abcdef".parse().unwrap();
    assert_eq!(challenge.as_str(), "0123456789abcdef");
    assert_eq!(serde_json::to_string(&challenge).unwrap(), r#""0123456789abcdef""#);
    assert_eq!(format!("{challenge:?}"), "Challenge(…)");
}

#[test]
fn repeated_ports_are_checked_once_where_they_came_first() {
    let ports = [80, 22, 80, 443, 22].map(port);
    assert_eq!(distinct(ports).collect::<Vec<_>>(), [80, 22, 443].map(port));
}

#[test]
fn ranges_include_both_ends_and_nothing_beyond() {
    let ranges: PortRanges = "80,50800-50899".parse().unwrap();
    for (number, expected) in [
        (79, false),
        (80, true),
        (81, false),
        (50_799, false),
        (50_800, true),
        (50_899, true),
        (50_900, false),
    ] {
        assert_eq!(ranges.contains(number), expected, "{number}");
    }
    assert!(PortRanges::all().contains(1) && PortRanges::all().contains(u16::MAX));
    assert!(!PortRanges::all().contains(0), "port 0 is none");
}

#[test]
fn a_wrong_value_is_named_with_the_values_that_would_do() {
    let error = serde_json::from_str::<JsonPort>("0").unwrap_err().to_string();
    assert!(error.contains("`0`") && error.contains("an integer from 1 to 65535"), "{error}");
    let error = serde_json::from_str::<CheckRequest>(r#"{"ports":80}"#).unwrap_err().to_string();
    assert!(error.contains("`80`") && error.contains("an array of integers from 1 to"), "{error}");
}

#[test]
fn results_are_found_by_port_and_come_in_the_order_asked() {
    let json = r#"{"443":{"accessible":true,"error":null},"80":{"accessible":false,"error":"x"}}"#;
    let results: Results = serde_json::from_str(json).unwrap();
    assert!(!results.is_empty() && results.get(443).unwrap().accessible);
    assert!(!results.get(80).unwrap().accessible);
    assert!(results.get(22).is_none());
    let order: Vec<_> = results.into_iter().map(|(port, _)| port).collect();
    assert_eq!(order, [443, 80].map(port));
    assert!(serde_json::from_str::<Results>("{}").unwrap().is_empty());
    let error = serde_json::from_str::<Results>("[]").unwrap_err().to_string();
    assert!(error.contains("expected an object whose keys are ports"), "{error}");
}

#[test]
fn addresses_of_one_subscriber_count_as_one() {
    let cases = [
        ("198.51.100.7", "198.51.100.7", "an IPv4 address"),
        ("::ffff:198.51.100.7", "198.51.100.7", "the same, mapped"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "a /64 of IPv6"),
        ("2001:db8:1:2::", "2001:db8:1:2::", "the first address of it"),
    ];
    for (address, expected, why) in cases {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(subscriber(parse(address)), parse(expected), "{why}");
    }
}
