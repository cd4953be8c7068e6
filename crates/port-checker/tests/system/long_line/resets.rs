//! Listeners that reset every connection at once are told from those that hang up politely.

use std::{ops::RangeInclusive, time::Duration};

use port_checker_testbed::{
    http::Answer,
    skip,
    targets::{Conduct, Targets},
};
use serde_json::json;

use super::lab::{Lab, V4, V6};

const PORTS: RangeInclusive<u16> = 20_001..=21_000;
const ALL: usize = 1_000;

/// How many of the ports were judged with this reason; none is an open port.
fn judged(answer: &Answer, reason: Option<&str>) -> usize {
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = answer.json()["results"].take();
    let results = results.as_object().expect("results").values();
    results.filter(|result| result["reason"].as_str() == reason).count()
}

/// How many of a thousand ports of the host are judged with this reason.
fn of_a_thousand(lab: &Lab, host: &str, reason: Option<&str>) -> usize {
    let body = json!({"provider_ip": host, "ports": PORTS.collect::<Vec<_>>(), "verbose": true});
    let service = lab.serve(&[]);
    judged(&lab.ask(service.address, &body).0, reason)
}

#[test]
fn a_reset_after_the_handshake_is_found_at_any_distance() {
    if !skip::is_root() {
        return;
    }
    for (round_trip, host) in [(100, V4), (300, V6)] {
        let lab = Lab::new(Duration::from_millis(round_trip), 0.0);
        let _targets = Targets::listen(&lab.host, PORTS, Conduct::Reset);
        let reset = of_a_thousand(&lab, host, Some("reset"));
        assert_eq!(reset, ALL, "{round_trip} ms");
        lab.nothing_overflowed();
    }
}

#[test]
fn a_reset_after_the_handshake_is_found_on_loopback() {
    /// A listener that gets no processor for five milliseconds is too late.
    const LEAST: usize = 995;
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::ZERO, 0.0);
    let _targets = Targets::listen(&lab.checker, PORTS, Conduct::Reset);
    for host in ["127.0.0.1", "::1"] {
        let reset = of_a_thousand(&lab, host, Some("reset"));
        assert!(reset >= LEAST, "{host}: {reset} of {ALL}");
    }
}

#[test]
fn who_hangs_up_politely_is_open() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::from_millis(100), 0.0);
    for (machine, host) in [(&lab.host, V4), (&lab.host, V6), (&lab.checker, "127.0.0.1")] {
        let _targets = Targets::listen(machine, PORTS, Conduct::HangUp);
        assert_eq!(of_a_thousand(&lab, host, None), ALL, "{host}");
    }
}

/// Who turns it off gets the handshake's word.
#[test]
fn without_settling_a_handshake_is_enough() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::from_millis(100), 0.0);
    let _targets = Targets::listen(&lab.host, PORTS, Conduct::Reset);
    let body = json!({"provider_ip": V4, "ports": PORTS.collect::<Vec<_>>(), "verbose": true});
    let service = lab.serve(&[("PORT_CHECK_SETTLE", "0")]);
    let open = judged(&lab.ask(service.address, &body).0, None);
    assert_eq!(open, ALL);
}
