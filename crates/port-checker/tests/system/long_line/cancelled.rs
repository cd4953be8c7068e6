//! A client that hangs up takes all attempts with it.

use std::{fs, time::Duration};

use port_checker_testbed::{
    http::{begin_check, metric},
    process::{Service, wait_until},
    skip,
};

use super::lab::{Lab, V4, V6, question, silent_and_open};

fn descriptors(service: &Service) -> usize {
    fs::read_dir(format!("/proc/{}/fd", service.pid())).expect("the service runs").count()
}

#[test]
fn a_client_that_hangs_up_in_the_middle_leaves_no_socket_open() {
    const PORTS: usize = 300;
    /// Two attempts at each.
    const OVERLAPPING: f64 = 600.0;
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::from_millis(100), 0.01);
    let ports = silent_and_open(PORTS, PORTS);
    let service = lab.serve(&[]);
    let in_flight =
        || lab.checker.within(|| metric(service.address, "port_checker_probes_in_flight "));
    let all_is_calm = |before| in_flight() == 0.0 && descriptors(&service) <= before;
    // The first check opens what all checks share.
    lab.ask(service.address, &question(V4, &ports[..1]));
    let before = descriptors(&service);
    for host in [V4, V6] {
        let body = question(host, &ports).to_string();
        let client = lab.checker.within(|| begin_check(service.address, &body));
        wait_until("attempts overlap", || in_flight() >= OVERLAPPING);
        drop(client);
        wait_until("every socket is closed", || all_is_calm(before));
        let mut connections = lab.checker.command("ss", &["-Htan", "state", "syn-sent"]);
        let connections = connections.output().expect("ss, of iproute2").stdout;
        assert_eq!(String::from_utf8_lossy(&connections), "", "{host}");
    }
}
