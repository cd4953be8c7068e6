//! The Python service beside this one, over the same line.

use std::{thread, time::Duration};

use port_checker_testbed::{http::check_ports, process::Running, skip};
use serde_json::json;

use super::lab::{Kind, Lab, V4, V6, mixed};

#[test]
fn the_python_service_says_the_same_of_ports_that_answer() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::from_millis(100), 0.01);
    let mut ports = mixed(200);
    // It takes 17 seconds for those.
    ports.retain(|(_, kind)| *kind != Kind::Silent);
    let _open = lab.open(&ports);
    let Some((_python, python)) = lab.checker.within(Running::python_service) else { return };
    let ours = lab.serve(&[]);
    let ports: Vec<u16> = ports.into_iter().map(|(port, _)| port).collect();
    for host in [V4, V6] {
        let body = json!({"provider_ip": host, "ports": ports}).to_string();
        let ask = |server| lab.checker.within(|| check_ports(server, &body));
        let (theirs, ours) = thread::scope(|scope| {
            let theirs = scope.spawn(|| ask(python));
            (ask(ours.address), theirs.join().expect("no panic"))
        });
        assert_eq!((ours.status, ours.json()), (theirs.status, theirs.json()), "{host}");
    }
    lab.nothing_overflowed();
}
