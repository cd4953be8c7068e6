//! The pings that keep systemd's watchdog from ending the service.

use std::{fs, process::Command};

use port_checker_testbed::{
    http::{connect, metric},
    process::{Service, wait_until},
};

use super::{
    WATCHDOG,
    manager::{Manager, value},
};
use crate::program::{PORT_CHECKER, configure};

#[test]
fn pings_come_while_it_turns_and_only_then() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let service = Service::start(&mut manager.serve(&[WATCHDOG]));
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    service.signal("STOP");
    wait_until("it stands still", || state(service.pid()) == 'T');
    manager.catch_up();
    assert!(manager.hears_nothing(), "a ping of a process that stands still");
    service.signal("CONT");
    manager.wait_for("WATCHDOG=1");
}

/// The state of a process in one letter, as proc_pid_stat(5) has it.
fn state(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).expect("a state")
}

#[test]
fn there_are_no_pings_where_nobody_wants_them() {
    let directory = tempfile::tempdir().unwrap();
    for meant_for_others in [vec![], vec![WATCHDOG, ("WATCHDOG_PID", "1")]] {
        let manager = Manager::at_path(&directory);
        let service = Service::start(&mut manager.serve(&meant_for_others));
        manager.wait_for("READY=1");
        assert!(manager.hears_nothing(), "{meant_for_others:?}");
        drop(service);
        fs::remove_file(&manager.name).unwrap();
    }
}

/// The connections end in bounded time; a restart would only cut them off.
#[test]
fn pings_go_on_while_there_is_no_room_for_another_connection() {
    const ROOM: usize = 8;
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let mut few_descriptors = Command::new("prlimit");
    few_descriptors.args(["--nofile=64:64", PORT_CHECKER, "serve"]);
    let settings = [
        ("PORT_CHECKER_METRICS_ADDR", "127.0.0.1:0"),
        ("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1"),
    ];
    configure(&mut few_descriptors, &settings);
    few_descriptors.env("NOTIFY_SOCKET", &manager.name).envs([WATCHDOG]);
    let service = Service::start(&mut few_descriptors);
    let ready = manager.wait_for("READY=1");
    let metrics = value(&ready, "STATUS").rsplit(' ').next().unwrap().parse().unwrap();
    let _occupants: Vec<_> = (0..ROOM).map(|_| connect(service.address)).collect();
    // The client that asks for the metrics is connected too.
    let full = (ROOM + 1) as f64;
    wait_until("there is no room", || metric(metrics, "port_checker_connections ") == full);
    manager.catch_up();
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    assert_eq!(metric(metrics, "port_checker_connections "), full);
}
