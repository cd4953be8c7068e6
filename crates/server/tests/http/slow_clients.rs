//! Clients that take their time.

use std::{
    io::{Read, Write},
    time::Duration,
};

use port_checker_testbed::{
    http::{ask_and_not_read, begin_request, connect, connect_narrow, get, metric, read_answer},
    process::wait_until,
};

use crate::server::Server;

const SHORT: Duration = Duration::from_millis(150);

#[test]
fn a_body_that_does_not_arrive_is_a_408() {
    let server = Server::start(|config| config.bounds.body_time = SHORT);
    let mut stream = connect(server.address);
    let head = b"POST /check-ports HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
                 Content-Length: 100\r\n\r\n{\"ports\":";
    stream.write_all(head).unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!((answer.status, answer.code().as_str()), (408, "REQUEST_TIMEOUT"), "{answer:?}");
}

#[test]
fn a_head_that_does_not_arrive_ends_the_connection() {
    let server = Server::start(|config| config.bounds.head_time = SHORT);
    let cases: [(&[u8], &str); 3] = [
        (b"", "nothing at all"),
        (b"GET /health HTTP/1.1\r\nHost:", "half a head"),
        (b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n", "one request, then idle"),
    ];
    for (sent, why) in cases {
        let mut stream = connect(server.address);
        stream.write_all(sent).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap_or_else(|error| panic!("{why}: {error}"));
    }
}

#[test]
fn connections_beyond_the_bound_wait_and_are_served_in_turn() {
    let server = Server::start(|config| config.bounds.connections = 2);
    let held = [begin_request(server.address, 1), begin_request(server.address, 1)];
    let (sender, answers) = std::sync::mpsc::channel();
    std::thread::spawn({
        let address = server.address;
        move || sender.send(get(address, "/health").status)
    });
    assert!(answers.recv_timeout(SHORT).is_err(), "there is no room");
    drop(held);
    assert_eq!(answers.recv(), Ok(200));
}

#[test]
fn an_answer_that_is_not_read_ends_the_connection() {
    let server = Server::start(|config| config.bounds.answer_time = 4 * SHORT);
    let _client = ask_and_not_read(server.address);
    let connections = || metric(server.address, "port_checker_connections ");
    wait_until("only the one that asks is left", || connections() == 1.0);
}

/// It takes a little again and again, but would need three times as long for all of it.
#[test]
fn an_answer_that_is_read_drop_by_drop_ends_the_connection_too() {
    let server = Server::start_narrow(|config| config.bounds.answer_time = 4 * SHORT);
    let mut client = connect_narrow(server.address);
    let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n";
    client.write_all(request.repeat(40).as_bytes()).unwrap();
    client.set_nonblocking(true).unwrap();
    let connections = || metric(server.address, "port_checker_connections ");
    wait_until("only the one that asks is left", || {
        let _ = client.read(&mut [0; 16 * 1024]);
        connections() == 1.0
    });
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(|config| config.bounds.head_bytes = 8 * 1024);
    let mut stream = connect(server.address);
    let _ =
        write!(stream, "GET /health HTTP/1.1\r\nHost: test\r\nX: {}\r\n\r\n", "x".repeat(64_000));
    let answer = read_answer(&mut stream);
    assert_eq!((answer.status, answer.code().as_str()), (431, "PAYLOAD_TOO_LARGE"), "{answer:?}");
}
