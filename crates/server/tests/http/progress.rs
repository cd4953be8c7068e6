//! Answers that arrive line by line.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use port_checker_testbed::{
    http::{connect, exchange},
    ports::{Held, LOOPBACK, Listening, Refusing, Silent},
};
use serde_json::{Value, json};

use crate::server::Server;

const ACCEPT: &str = "Accept: application/x-ndjson\r\nConnection: close\r\n";

/// Asks for a check; the answer's head is read when this returns, and its lines follow in chunks.
fn ask(server: &Server, body: &str) -> BufReader<TcpStream> {
    let mut stream = connect(server.address);
    let length = body.len();
    let head = format!(
        "POST /check-ports HTTP/1.1\r\nHost: test\r\n{ACCEPT}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).expect("the server reads");
    let mut answer = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(answer.read_line(&mut head).expect("a head") > 0, "{head}");
    }
    assert!(head.contains("content-type: application/x-ndjson"), "{head}");
    answer
}

/// The next chunk, which holds one line; none at the end.
fn line(answer: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut size = String::new();
    answer.read_line(&mut size).expect("a chunk");
    let size = usize::from_str_radix(size.trim(), 16).expect("a size");
    let mut chunk = vec![0; size + 2];
    answer.read_exact(&mut chunk).expect("a whole chunk");
    if size == 0 {
        return None;
    }
    assert_eq!(&chunk[size - 1..], b"\n\r\n", "each chunk is one line");
    Some(serde_json::from_slice(&chunk[..size]).expect("JSON"))
}

#[test]
fn each_port_as_it_is_judged_and_the_sum_last() {
    let server = Server::start(|config| config.probe.timeout = Duration::from_millis(300));
    let (open, closed, silent) =
        (Listening::on(LOOPBACK), Refusing::on(LOOPBACK), Silent::on(LOOPBACK));
    let (open, closed, silent) = (open.port().get(), closed.port().get(), silent.port().get());
    let mut answer = ask(&server, &json!({"ports": [silent, closed, open]}).to_string());
    let expected = [
        json!({"port": open, "accessible": true, "error": null}),
        json!({"port": closed, "accessible": false, "error": "Connection refused"}),
        json!({"port": silent, "accessible": false, "error": "Connection timed out"}),
        json!({"success": true, "message": "Successfully verified 1 out of 3 ports"}),
    ];
    for expected in expected {
        assert_eq!(line(&mut answer), Some(expected), "the quickest first");
    }
    assert_eq!(line(&mut answer), None);
}

#[test]
fn lines_do_not_wait_for_each_other() {
    let server = Server::start(|config| {
        config.probe.timeout = Duration::from_secs(20);
        config.deadline = Duration::from_secs(60);
    });
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    let ports = [silent.port().get(), open.port().get()];
    let mut answer = ask(&server, &json!({"ports": ports, "verbose": true}).to_string());
    let first = line(&mut answer).expect("a line long before the other port's time-out");
    assert_eq!((&first["port"], &first["attempts"]), (&json!(open.port().get()), &json!(1)));
}

#[test]
fn a_failure_after_the_first_line_is_the_last_line() {
    let server = Server::start(|config| {
        config.probe.timeout = Duration::from_secs(20);
        config.deadline = Duration::from_millis(300);
    });
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    let ports = [silent.port().get(), open.port().get()];
    let mut answer = ask(&server, &json!({"ports": ports}).to_string());
    assert_eq!(line(&mut answer).unwrap()["accessible"], true);
    assert_eq!(line(&mut answer).unwrap()["detail"]["code"], "CHECK_FAILED");
    assert_eq!(line(&mut answer), None);
}

#[test]
fn a_failure_before_the_first_line_is_a_separate_answer() {
    let server = Server::start(|config| {
        config.probe.timeout = Duration::from_secs(20);
        config.deadline = Duration::from_millis(100);
    });
    let silent = Silent::on(LOOPBACK);
    let body = json!({"ports": [silent.port().get()]}).to_string();
    let answer = exchange(&mut connect(server.address), ACCEPT, &body).unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
    let refused = exchange(&mut connect(server.address), ACCEPT, r#"{"ports":[0]}"#).unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (422, "INVALID_PORT"), "{refused:?}");
}

#[test]
fn no_ports_are_summed_up_at_once() {
    let server = Server::start(|_| {});
    let mut answer = ask(&server, r#"{"ports":[]}"#);
    let sum = json!({"success": false, "message": "Successfully verified 0 out of 0 ports"});
    assert_eq!((line(&mut answer), line(&mut answer)), (Some(sum), None));
}
