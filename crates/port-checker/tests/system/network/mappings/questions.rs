//! How often the router is asked, and its answers in the JSON document.

use port_checker_testbed::{process::wait_until, skip};
use serde_json::json;

use super::{ALL, PCP, UPNP, WITHOUT_NAT_PMP, lab::Home};

/// To the gateway, and to the multicast group.
const PACKETS_OF_A_SEARCH: u64 = 2;

/// A request over NAT-PMP or PCP that nobody answers is sent so often.
const REQUESTS: u64 = 3;

/// More connections than a checker begins to a port that stays silent in a try of `--wait` and in the check of its
/// mapping: two attempts each, with one packet repeated.
const PROBES_OF_A_TRY: u64 = 8;

#[test]
fn the_router_is_searched_for_once_for_the_check_its_mappings_and_all_tries() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(UPNP, "udp dport 1900 counter") else { return };
    home.count_probes(7467);
    let run = home.begin("7466-7467 --map --wait");
    wait_until("a later try", || home.counted("tcp dport 7467") > 2 * PROBES_OF_A_TRY);
    assert_eq!(home.counted("udp dport 1900"), PACKETS_OF_A_SEARCH);
    let (_, text) = run.end_by("INT");
    assert!(text.contains("Mapped 7466/tcp") && text.contains("Mapped 7467/tcp"), "{text}");
}

#[test]
fn a_router_that_speaks_nothing_is_not_waited_for_in_each_try() {
    if !skip::is_root() {
        return;
    }
    let rules = "udp dport { 1900, 5351 } counter drop";
    let Some(home) = Home::new(UPNP, rules) else { return };
    home.count_probes(7467);
    let run = home.begin("7466-7467 --map --wait");
    // The router refuses: two attempts in each try.
    wait_until("the fourth try", || home.counted("tcp dport 7467") > 6);
    let asked = home.counted("counter packets");
    assert_eq!(asked, PACKETS_OF_A_SEARCH + 2 * REQUESTS, "NAT-PMP and PCP");
    run.end_by("INT");
}

#[test]
fn a_router_whose_service_has_moved_is_searched_for_again() {
    if !skip::is_root() {
        return;
    }
    let Some(mut home) = Home::new(UPNP, "udp dport 1900 counter") else { return };
    home.count_probes(7467);
    let run = home.begin("7467 --wait");
    wait_until("the second try", || home.counted("tcp dport 7467") > 2);
    assert_eq!(home.counted("udp dport 1900"), PACKETS_OF_A_SEARCH);
    home.restart_router(UPNP);
    wait_until("another search", || home.counted("udp dport 1900") == 2 * PACKETS_OF_A_SEARCH);
    run.end_by("INT");
}

#[test]
fn the_json_document_has_the_answers_of_the_router() {
    if !skip::is_root() {
        return;
    }
    let router = |home: &Home, arguments: &str| {
        let document = home.verify(arguments).json();
        let v4 = document["families"].as_array().expect("a list").iter();
        let v4 = v4.clone().find(|family| family["family"] == "ipv4");
        v4.expect("it was checked")["router"].clone()
    };
    let Some(home) = Home::new(ALL, "") else { return };
    home.map_to_neighbour(7467);
    let port = |number: u16, entry: serde_json::Value| json!({"port": number, "transport": "tcp", "entry": entry});
    let neighbours = json!({
        "state": "mapped", "to": "192.168.1.20:7467", "description": "NAT-PMP 7467 tcp", "enabled": true,
    });
    let expected = json!({
        "gateway": "192.168.1.1",
        "wan_address": "8.8.4.4",
        "ports": [port(7466, json!({"state": "not_mapped"})), port(7467, neighbours)],
        "answered": ["nat_pmp", "upnp_igd"],
        "failures": [],
    });
    assert_eq!(router(&home, "7466-7467 --json"), expected);
    assert_eq!(router(&home, "7466 --no-router --json"), json!(null));

    // Over PCP only a mapping is answered.
    let Some(home) = Home::new(PCP, WITHOUT_NAT_PMP) else { return };
    let silent = |protocol| json!({"protocol": protocol, "cause": "no_answer"});
    let told = router(&home, "7466 --json");
    assert_eq!(told["wan_address"], json!(null));
    assert_eq!(told["failures"], json!([silent("nat_pmp"), silent("upnp_igd")]));
    let told = router(&home, "7466 --map --json");
    assert_eq!(told["answered"], json!(["pcp"]), "{told}");
    assert_eq!(told["wan_address"], "8.8.4.4", "{told}");
    assert_eq!(told["ports"][0]["entry"]["to"], "192.168.1.10:7466", "{told}");
}
