//! The end of a machine's watch over itself.

use std::{net::TcpListener, path::Path};

use port_checker_testbed::{ports::unused, process::wait_until};

use super::{
    checker,
    watch::{Door, Watch},
};

const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

#[test]
fn a_signal_in_the_pause_ends_it() {
    let service = checker(0);
    let url = format!("http://{}", service.address);
    for (signal, expected) in SIGNALS {
        let port = unused(1)[0].to_string();
        let watch = Watch::start(&[&port, "--server", &url, "--local", "--every=1h"]);
        watch.wait_for("out", 1, "IPv4: 1 of 1");
        watch.running.signal(signal);
        assert_eq!(watch.running.exit_status().code(), Some(expected), "{signal}");
    }
}

#[test]
fn a_signal_during_a_check_ends_it_and_closes_the_port() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for (signal, expected) in SIGNALS {
        let port = unused(1)[0].get();
        let ports = port.to_string();
        let watch =
            Watch::start(&[&ports, "--server", &url, "--ip=127.0.0.1", "--every=1h", "--local"]);
        wait_until("it listens", || TcpListener::bind(("127.0.0.1", port)).is_err());
        watch.running.signal(signal);
        let directory = watch.directory;
        assert_eq!(watch.running.exit_status().code(), Some(expected), "{signal}");
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "{signal}");
        drop(directory);
    }
}

/// The command and what it has started end too, though they do not heed SIGTERM.
#[test]
fn a_signal_while_the_command_runs_ends_both() {
    let (service, door) = (checker(0), Door::new());
    let (url, port) = (format!("http://{}", service.address), door.port.to_string());
    let command = r#"trap "" TERM INT; sleep 1000 & echo $$ $! >pids; wait"#;
    for (signal, expected) in SIGNALS {
        let arguments = ["--server", &url, "--local", "--every=1h", "--exec", command];
        let watch = Watch::start(&[&[port.as_str()], &arguments[..]].concat());
        wait_until("the command runs", || watch.file("pids").ends_with('\n'));
        let pids = watch.file("pids");
        watch.running.signal(signal);
        let directory = watch.directory;
        assert_eq!(watch.running.exit_status().code(), Some(expected), "{signal}");
        wait_until("all its processes have ended", || pids.split_whitespace().all(has_ended));
        drop(directory);
    }
}

/// Whether there is no such process, or it only waits to be reaped.
pub(super) fn has_ended(pid: &str) -> bool {
    let status = Path::new("/proc").join(pid).join("status");
    let status = std::fs::read_to_string(status).unwrap_or_default();
    !status.contains("State:") || status.contains("State:\tZ")
}
