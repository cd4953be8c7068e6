//! Mappings of UDP ports, alone and beside TCP ports of the same number.

use port_checker_testbed::{process::wait_until, skip};

use super::{ALL, PCP, UPNP, WITHOUT_NAT_PMP, WITHOUT_PCP, lab::Home};

#[test]
fn each_protocol_alone_maps_both_transports_of_a_number() {
    if !skip::is_root() {
        return;
    }
    for (options, rules, protocol) in
        [(UPNP, "", "UPnP"), (PCP, WITHOUT_NAT_PMP, "PCP"), (PCP, WITHOUT_PCP, "NAT-PMP")]
    {
        let Some(home) = Home::new(options, rules) else { return };
        let report = home.verify("7466 7466/udp 51820-51821/udp --map");
        let text = report.flowing();
        assert_eq!(report.status, Some(0), "{protocol}: {}", report.text);
        for ports in ["7466/tcp", "7466, 51820-51821/udp"] {
            let done = format!(
                "Mapped {ports} at the router 192.168.1.1 over {protocol}; reachable then. Removed again: a \
                 forward in the router would make that last."
            );
            assert!(text.contains(&done), "{protocol}: {}", report.text);
        }
        assert!(text.contains("51820-51821/udp reachable, proven ours"), "{}", report.text);
        assert_eq!(home.mappings(), "", "{protocol}: removed at the end");
    }
}

/// The transports of one number are mapped apart: a mapping of another machine occupies the number over one only.
#[test]
fn a_mapping_of_another_machine_over_tcp_leaves_the_number_free_over_udp() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(ALL, "") else { return };
    home.map_to_neighbour(7466);
    let before = home.mappings();
    let document = home.verify("7466 7466/udp --map --json").json();
    let taken = serde_json::json!({
        "port": 7466, "transport": "tcp", "router": "192.168.1.1", "protocol": "upnp_igd",
        "state": "not_mapped", "reason": {"kind": "taken", "to": "192.168.1.20:7466"},
        "accessible": null,
    });
    let mapped = serde_json::json!({
        "port": 7466, "transport": "udp", "router": "192.168.1.1", "protocol": "upnp_igd",
        "state": "removed", "permanent": false, "accessible": true,
    });
    assert_eq!(document["mappings"], serde_json::json!([taken, mapped]));
    assert_eq!(home.mappings(), before, "untouched, and nothing beside it");
}

#[test]
fn a_udp_port_that_stays_closed_with_a_mapping_gets_other_advice() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(ALL, "") else { return };
    home.router.firewall(
        "table inet closed {\n chain forward {\n type filter hook forward priority filter\n \
         iifname != lo udp dport 7466 drop\n }\n}\n",
    );
    let report = home.verify("7466/udp --map");
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(text.contains("Mapped 7466/udp at the router"), "{}", report.text);
    assert!(text.contains("; still not reachable. Removed again."), "{}", report.text);
    let advice =
        "The router has a mapping of this port to this machine, and nothing came through it";
    assert!(text.contains(advice), "{}", report.text);
}

#[test]
fn ctrl_c_removes_the_mappings_of_udp_ports() {
    if !skip::is_root() {
        return;
    }
    for (options, rules) in [(UPNP, ""), (PCP, WITHOUT_NAT_PMP), (PCP, WITHOUT_PCP)] {
        let Some(home) = Home::new(options, rules) else { return };
        let run = home.begin("7466/udp 7467 --map --wait");
        wait_until("both ports are mapped", || home.maps(7467) && home.maps(7466));
        let (status, text) = run.end_by("INT");
        assert_eq!(status, Some(130), "{text}");
        assert!(text.contains("apped 7466/udp"), "{text}");
        assert_eq!(home.mappings(), "", "{text}");
    }
}
