//! What the service tells the service manager, over a socket like systemd's.

use port_checker_testbed::{
    certificates::{Authority, Validity, write},
    http::{begin_check, get},
    ports::{Held, LOOPBACK, Listening, Silent},
    process::{Running, Service},
};
use rustix::time::{ClockId, clock_gettime};

use crate::program::port_checker;

mod manager;
mod watchdog;

use manager::{Manager, listening, value};

/// What systemd asks for with `WatchdogSec=200ms`.
const WATCHDOG: (&str, &str) = ("WATCHDOG_USEC", "200000");

#[test]
fn it_is_ready_when_its_port_accepts() {
    let directory = tempfile::tempdir().unwrap();
    for manager in [Manager::at_path(&directory), Manager::abstractly()] {
        let _running = Running::launch(&mut manager.serve(&[]));
        let first = manager.next().unwrap();
        assert_eq!(first[0], "READY=1", "{first:?}");
        assert_eq!(get(listening(&first), "/ready").status, 200);
    }
}

#[test]
fn a_service_that_cannot_listen_is_never_ready() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let taken = Listening::on(LOOPBACK);
    let port = taken.port().to_string();
    let status = manager.serve(&[("PORT_CHECKER_PORT", &port)]).output().unwrap().status;
    assert_eq!(status.code(), Some(1));
    assert_eq!(manager.catch_up(), Vec::<String>::new());
}

#[test]
fn a_manager_that_is_gone_does_not_keep_it_from_serving() {
    let service = Service::start(
        port_checker(&["serve"], &[WATCHDOG]).env("NOTIFY_SOCKET", "/nonexistent/notify"),
    );
    assert_eq!(get(service.address, "/ready").status, 200);
    service.signal("HUP");
    assert_eq!(service.finish().0.code(), Some(0));
}

#[test]
fn a_reload_is_announced_and_its_outcome_told() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let identity = Authority::new().issue(&["localhost"], Validity::Now);
    let (certificate, key) = identity.write(directory.path(), "server");
    let settings = [
        ("PORT_CHECKER_TLS_CERT", certificate.to_str().unwrap()),
        ("PORT_CHECKER_TLS_KEY", key.to_str().unwrap()),
    ];
    let service = Service::start(&mut manager.serve(&settings));
    manager.wait_for("READY=1");
    for outcome in ["were read again", "keeping the certificate and key there were"] {
        let before = monotonic();
        service.signal("HUP");
        let reloading = manager.next().unwrap();
        assert_eq!(reloading[0], "RELOADING=1", "{reloading:?}");
        let time: u64 = value(&reloading, "MONOTONIC_USEC").parse().unwrap();
        assert!((before..=monotonic()).contains(&time), "{before} {time}");
        let ready = manager.next().unwrap();
        assert_eq!(ready[0], "READY=1", "{ready:?}");
        assert_eq!(listening(&ready), service.address);
        assert!(value(&ready, "STATUS").contains(outcome), "{ready:?}");
        write(directory.path(), "server.key", "no key");
    }
}

/// Microseconds on the clock that `MONOTONIC_USEC` is about.
fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000 + now.tv_nsec / 1000).expect("after the start")
}

#[test]
fn the_end_is_announced_with_its_time_and_the_remaining_requests() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_TIMEOUT", "60"),
        ("PORT_CHECK_DEADLINE", "60"),
        WATCHDOG,
    ];
    let service = Service::start(&mut manager.serve(&settings));
    let silent = Silent::on(LOOPBACK);
    let client = begin_check(service.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    service.signal("TERM");
    let stopping = manager.wait_for("STOPPING=1");
    let time: u64 = value(&stopping, "EXTEND_TIMEOUT_USEC").parse().unwrap();
    assert!(time > 65_000_000, "the deadline, five seconds, and some: {time}");
    manager.wait_for("STATUS=Shutting down; connections left: 1");
    manager.wait_for("WATCHDOG=1");
    service.signal("HUP");
    drop(client);
    assert_eq!(service.exit_status().code(), Some(0));
    assert!(!manager.catch_up().contains(&"READY=1".to_owned()), "it is not ready again");
}
