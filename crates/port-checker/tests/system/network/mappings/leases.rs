//! Mappings of the same port by several programs of this machine, and by other machines.

use port_checker_testbed::{process::wait_until, skip};

use super::{PCP, WITHOUT_NAT_PMP, WITHOUT_PCP, lab::Home};

/// A run that was killed leaves a mapping with its nonce for as long as the lease.
#[test]
fn the_next_run_takes_over_a_mapping_that_a_killed_one_left() {
    if !skip::is_root() {
        return;
    }
    for (rules, protocol) in [(WITHOUT_NAT_PMP, "PCP"), (WITHOUT_PCP, "NAT-PMP")] {
        let Some(home) = Home::new(PCP, rules) else { return };
        let run = home.begin("7466-7467 --map --wait");
        wait_until("the ports are mapped", || home.maps(7466) && home.maps(7467));
        run.end_by("KILL");
        assert!(home.maps(7467), "{protocol}: its lease still runs");
        // What comes through the mapping is dropped by the router, so that one seems to be missing.
        home.router.firewall(
            "table inet own {\n chain forward {\n type filter hook forward priority filter\n \
             tcp dport 7467 drop\n }\n}\n",
        );
        let report = home.verify("7467 --map");
        let words = format!("Mapped 7467/tcp at the router 192.168.1.1 over {protocol};");
        assert!(report.flowing().contains(&words), "{}", report.text);
        assert!(!home.maps(7467), "{protocol}: removed at the end: {}", report.text);
    }
}

/// `miniupnpd` renews for another nonce, and removes for the last one only.
#[test]
fn a_mapping_that_another_program_renewed_over_pcp_is_left_to_it() {
    if !skip::is_root() {
        return;
    }
    let Some(home) = Home::new(PCP, WITHOUT_NAT_PMP) else { return };
    let run = home.begin("7466-7467 --map --wait");
    wait_until("the ports are mapped", || home.maps(7466) && home.maps(7467));
    home.map_over_pcp("192.168.1.10", 7467);
    let (_, text) = run.end_by("INT");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words =
        "It could not be removed: the router 192.168.1.1 over PCP refused it (2, not authorized).";
    assert!(text.contains(words), "{text}");
    assert!(home.maps(7467) && !home.maps(7466), "{text}");
}

#[test]
fn a_mapping_of_another_machine_is_never_overwritten() {
    if !skip::is_root() {
        return;
    }
    type Map = fn(&Home, &str);
    let over_pcp: Map = |home, sender| home.map_over_pcp(sender, 7466);
    let over_nat_pmp: Map = |home, sender| home.map_over_nat_pmp(sender, 7466);
    for (rules, protocol, map) in
        [(WITHOUT_NAT_PMP, "PCP", over_pcp), (WITHOUT_PCP, "NAT-PMP", over_nat_pmp)]
    {
        let Some(home) = Home::new(PCP, rules) else { return };
        home.as_neighbour(|sender| map(&home, sender));
        let report = home.verify("7466 --map");
        let words =
            format!("Not mapped 7466/tcp: the router 192.168.1.1 over {protocol} offers the port");
        assert!(report.flowing().contains(&words), "{}", report.text);
        assert!(home.mappings().contains("dport 7466 dnat ip to 192.168.1.20:7466"), "{protocol}");
    }
}
