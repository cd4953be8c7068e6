//! The end of a machine's watch over itself.

use std::{
    fs,
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use port_checker_testbed::{ports::unused, process::wait_until};

use super::{
    checker,
    watch::{Door, Watch},
};
use crate::program::port_checker;

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

/// With one worker, that of the loop.
#[test]
fn a_signal_while_nobody_reads_the_output_ends_it() {
    let service = checker(0);
    let url = format!("http://{}", service.address);
    for (signal, expected) in SIGNALS {
        let ports = unused(400).iter().map(|port| port.to_string()).collect::<Vec<_>>().join(",");
        let arguments = ["verify", &ports, "--server", &url, "--local", "--every=1h", "--json"];
        let mut command = port_checker(&arguments, &[("TOKIO_WORKER_THREADS", "1")]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        // It has begun to write, and the document is larger than the pipe.
        pipe.read_exact(&mut [0]).unwrap();
        wait_until("the pipe is full", || waits_for_the_pipe(child.id()));
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let mut status = None;
        wait_until("it ends", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(expected), "{signal}");
    }
}

/// Whether a thread of the process is in a call whose first argument is standard output: it writes.
fn waits_for_the_pipe(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    let writes = |thread: PathBuf| {
        let call = fs::read_to_string(thread.join("syscall")).unwrap_or_default();
        call.split(' ').nth(1) == Some("0x1")
    };
    threads.map_while(Result::ok).any(|thread| writes(thread.path()))
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
    let status = fs::read_to_string(status).unwrap_or_default();
    !status.contains("State:") || status.contains("State:\tZ")
}
