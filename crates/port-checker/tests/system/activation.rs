//! Listening sockets that are handed over, as systemd's socket units do it.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use port_checker_testbed::{
    http::{connect, get, read_answer},
    ports::{Held, LOOPBACK, Listening},
    process::{Running, Service, free_address},
    skip,
};

use crate::program::{PORT_CHECKER, configure};

/// Hands over what is its standard input and error, under these names.
const HAND_OVER: &str = r#"LISTEN_PID=${LISTEN_PID:-$$} exec "$0" serve 3<&0 4<&2 </dev/null 2>&1"#;

/// `port-checker serve`, with `count` of these two sockets handed over.
fn with_sockets(
    first: impl Into<OwnedFd>,
    second: impl Into<OwnedFd>,
    count: &str,
    names: Option<&str>,
) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", HAND_OVER, PORT_CHECKER]);
    configure(&mut command, &[]);
    command.env("LISTEN_FDS", count).envs(names.map(|names| ("LISTEN_FDNAMES", names)));
    command.stdin(first.into()).stderr(second.into());
    command
}

fn listener() -> TcpListener {
    Listening::on(LOOPBACK).listener
}

fn ask(stream: &mut TcpStream) -> u16 {
    let request = "GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("the service reads");
    read_answer(stream).status
}

#[test]
fn systemd_starts_it_when_somebody_comes() {
    if !skip::has("systemd-socket-activate", "--version") {
        return;
    }
    let address = free_address();
    let taken = Listening::on(LOOPBACK);
    let mut command = Command::new("systemd-socket-activate");
    configure(&mut command, &[]);
    command.arg("--listen").arg(address.to_string());
    // What the settings name is not listened on: it would fail.
    command.args(["-E", "PORT_CHECKER_HOST=127.0.0.1", "-E"]);
    command.arg(format!("PORT_CHECKER_PORT={}", taken.port())).args([PORT_CHECKER, "serve"]);
    let _running = Running::start(&mut command, address);
    assert_eq!(get(address, "/health").status, 200);
}

/// What makes a restart lose no connection: they wait for the next one.
#[test]
fn a_caller_that_comes_while_no_instance_runs_is_answered_by_the_next() {
    let socket = listener();
    let address = socket.local_addr().unwrap();
    for _ in 0..2 {
        let mut early = connect(address);
        let handed = (socket.try_clone().unwrap(), listener());
        let service = Service::start(&mut with_sockets(handed.0, handed.1, "1", None));
        assert_eq!(service.address, address);
        assert_eq!(ask(&mut early), 200);
        assert_eq!(service.finish().0.code(), Some(0));
    }
}

#[test]
fn the_socket_called_metrics_is_for_metrics_only() {
    for (names, first_is_for_callers) in
        [("golem-port-checker.socket:metrics", true), ("metrics:callers", false)]
    {
        let sockets = (listener(), listener());
        let addresses = (sockets.0.local_addr().unwrap(), sockets.1.local_addr().unwrap());
        let command = &mut with_sockets(sockets.0, sockets.1, "2", Some(names));
        let service = Service::start(command);
        let (callers, metrics) =
            if first_is_for_callers { addresses } else { (addresses.1, addresses.0) };
        assert_eq!(service.address, callers, "{names}");
        let statuses =
            |address: SocketAddr| ["/health", "/metrics"].map(|path| get(address, path).status);
        assert_eq!(statuses(callers), [200, 404], "{names}");
        assert_eq!(statuses(metrics), [404, 200], "{names}");
    }
}

#[test]
fn sockets_meant_for_another_process_are_left_alone() {
    let other = listener();
    let address = other.local_addr().unwrap();
    let mut command = with_sockets(other, listener(), "1", None);
    let service = Service::start(command.env("LISTEN_PID", "1"));
    assert_ne!(service.address, address);
}

#[test]
fn sockets_that_cannot_be_used_stop_the_start() {
    let udp = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let not_listening = || connect(Listening::on(LOOPBACK).address());
    let two = "callers:metrics";
    let cases: [(OwnedFd, &str, &str, &str, i32); 4] = [
        (udp().into(), "1", two, "not a valid tcp socket", 2),
        (not_listening().into(), "1", two, "does not listen", 1),
        (listener().into(), "2", "callers:callers", "more than one socket for callers", 2),
        (listener().into(), "3", two, "socket 2", 2),
    ];
    for (socket, count, names, complaint, status) in cases {
        let mut command = with_sockets(socket, listener(), count, Some(names));
        let output = command.stdout(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{complaint}: {said}");
        assert!(said.contains(complaint), "{complaint}: {said}");
    }
}
