//! What a router says that may not map a port.

use port_checker_testbed::skip;

use super::{PCP, UPNP, WITHOUT_NAT_PMP, WITHOUT_PCP, lab::Home};

/// No port to this machine.
const NOT_THIS_MACHINE: &str = "deny 0-65535 192.168.1.10/32 0-65535";

/// The router maps no ports below 1024. Over PCP it is asked to refuse: it would try all ports of the Internet's
/// side, for a minute, and answer nobody meanwhile.
#[test]
fn a_port_that_the_router_may_not_map_is_named_and_the_others_are_mapped() {
    if !skip::is_root() {
        return;
    }
    for (options, rules, words) in [
        (UPNP, "", "over UPnP refused it (606, not authorized)."),
        (PCP, "", "over PCP refused it (11, it cannot provide the port)."),
        (PCP, WITHOUT_NAT_PMP, "over PCP refused it (11, it cannot provide the port)."),
    ] {
        let Some(home) = Home::new(options, rules) else { return };
        let report = home.verify("80 7466 --map");
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        let words = format!("Not mapped 80/tcp: the router 192.168.1.1 {words}");
        assert!(text.contains(&words), "{}", report.text);
        assert!(text.contains("Mapped 7466/tcp"), "the others are mapped: {}", report.text);
        assert_eq!(home.mappings(), "");
    }
}

#[test]
fn a_machine_whose_ports_the_router_may_not_map_is_told() {
    if !skip::is_root() {
        return;
    }
    for (options, words) in [
        (UPNP, "over UPnP refused it (606, not authorized)."),
        (PCP, "over PCP refused it (11, it cannot provide the port)."),
    ] {
        let Some(home) = Home::new(&format!("{options}\n{NOT_THIS_MACHINE}"), "") else { return };
        let report = home.verify("7466-7467 --map");
        let words = format!("Not mapped 7466-7467/tcp: the router 192.168.1.1 {words}");
        assert!(report.flowing().contains(&words), "{}", report.text);
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert_eq!(home.mappings(), "");
    }
}

/// A rule about the port outside: over PCP and NAT-PMP the router would take the next one.
#[test]
fn a_port_outside_that_the_router_may_not_map_is_not_replaced_by_another() {
    if !skip::is_root() {
        return;
    }
    let deny = "deny 7466 0.0.0.0/0 1024-65535";
    for (options, rules, words) in [
        (UPNP, "", "over UPnP refused it (606, not authorized)."),
        (PCP, "", "over PCP refused it (11, it cannot provide the port)."),
        (PCP, WITHOUT_PCP, "over NAT-PMP offers the port 7467 instead"),
    ] {
        let Some(home) = Home::new(&format!("{options}\n{deny}"), rules) else { return };
        let report = home.verify("7466 --map");
        let words = format!("Not mapped 7466/tcp: the router 192.168.1.1 {words}");
        assert!(report.flowing().contains(&words), "{}", report.text);
        assert_eq!(report.status, Some(1), "{}", report.text);
    }
}

/// NAT-PMP has no way to ask for a refusal: the router tries all ports, and is silent meanwhile. It has told its
/// address in this protocol, so nobody may say that it does not speak it.
#[test]
fn a_router_that_falls_silent_over_a_port_is_not_said_to_speak_no_protocol() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(&format!("{PCP}\n{NOT_THIS_MACHINE}"), WITHOUT_PCP) else { return };
    let report = home.verify("7466 --map");
    let words = "Not mapped 7466/tcp: the router 192.168.1.1 over NAT-PMP did not answer.";
    assert!(report.flowing().contains(words), "{}", report.text);
    assert_eq!(report.status, Some(1), "{}", report.text);
}
