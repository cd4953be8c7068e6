//! The end of the service.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, TcpStream},
    time::{Duration, Instant},
};

use port_checker_testbed::{
    http::{ask_and_not_read, begin_request, connect, read_answer},
    ports::{Held, Silent},
};

use crate::server::Server;

const READY: &[u8] = b"GET /ready HTTP/1.1\r\nHost: test\r\n\r\n";

#[test]
fn an_open_connection_is_told_and_a_new_one_is_not_accepted() {
    let mut server = Server::start(|config| config.bounds.last_requests_time = LONG);
    let mut kept = connect(server.address);
    kept.write_all(READY).unwrap();
    assert_eq!(read_answer(&mut kept).status, 200);
    server.stop();
    wait_until_refused(&server);
    kept.write_all(READY).unwrap();
    let answer = read_answer(&mut kept);
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"), "the last answer here");
    assert!(answer.header("retry-after").is_some());
    server.wait();
}

#[test]
fn connections_that_the_kernel_accepted_before_the_end_are_answered() {
    let mut server = Server::start(|config| config.bounds.connections = 1);
    let occupant = begin_request(server.address, 100);
    let mut queued: Vec<TcpStream> = (0..300).map(|_| connect(server.address)).collect();
    for client in &mut queued {
        client.write_all(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    server.stop();
    for client in &mut queued {
        assert_eq!(read_answer(client).status, 200);
    }
    drop(occupant);
    server.wait();
}

#[test]
fn a_check_under_way_is_finished_and_answered() {
    let mut server = Server::start(|config| config.probe.timeout = Duration::from_millis(500));
    let silent = Silent::on(loopback());
    let mut client = server.begin_check(&silent);
    server.stop();
    let answer = read_answer(&mut client);
    assert_eq!(answer.status, 200, "{answer:?}");
    let verdict = &answer.json()["results"][silent.port().to_string()];
    assert_eq!(verdict["error"], "Connection timed out");
    server.wait();
}

#[test]
fn idle_connections_and_silent_ones_do_not_hold_up_the_end() {
    let mut server = Server::start(|config| {
        config.bounds.head_time = LONG;
        config.bounds.last_requests_time = Duration::from_millis(50);
    });
    let mut idle = connect(server.address);
    idle.write_all(READY).unwrap();
    read_answer(&mut idle);
    let mut silent = connect(server.address);
    silent.write_all(b"GET").unwrap();
    let begun = Instant::now();
    server.stop();
    server.wait();
    assert!(begun.elapsed() < LONG, "did not wait for the clients");
    assert_eq!(idle.read(&mut [0]).expect("closed, not reset"), 0);
}

#[test]
fn connections_that_last_longer_than_a_check_may_take_are_cut_off() {
    let mut server = Server::start(|config| {
        config.deadline = Duration::from_millis(200);
        config.bounds.drain_margin = Duration::ZERO;
        config.bounds.answer_time = LONG;
    });
    let client = ask_and_not_read(server.address);
    let stopped = Instant::now();
    server.stop();
    server.wait();
    assert!(stopped.elapsed() < LONG, "did not wait for the reader");
    drop(client);
}

const LONG: Duration = Duration::from_secs(60);

fn loopback() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

#[expect(clippy::disallowed_methods, reason = "dials the server under test")]
fn wait_until_refused(server: &Server) {
    let begun = Instant::now();
    while TcpStream::connect(server.address).is_ok() {
        assert!(begun.elapsed() < LONG, "still accepting");
        std::thread::yield_now();
    }
}
