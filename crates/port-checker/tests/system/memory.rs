//! What strangers can make the service keep in memory, measured from outside while they try.

use std::{
    fs,
    io::{self, Write},
    net::TcpStream,
};

use port_checker_server::Bounds;
use port_checker_testbed::{
    http::{check, connect_from, try_read_answer},
    http2::{self, Http2, kind},
    ports::{Held, LOOPBACK, Silent},
    tls,
};
use rustls::{ClientConnection, StreamOwned};

use crate::https::Https;

const MEBI: u64 = 1024 * 1024;

/// Where the attackers come from; others come from another address.
const ATTACKER: &str = "127.0.0.2";

/// The head of a check whose body comes in chunks.
const CHUNKED: &str = "POST /check-ports HTTP/1.1\r\nHost: test\r\n\
                       Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What the service has resident now, or had at most (proc_pid_status(5)), in bytes.
fn resident(https: &Https, which: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", https.service.pid()));
    let status = status.expect("the service runs");
    let line = status.lines().find_map(|line| line.strip_prefix(which)).expect("a figure");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
        * 1024
}

/// Attacks a service; the most that it ever took, at most `most`. Others are answered meanwhile.
#[expect(clippy::print_stdout, reason = "figures for the record")]
fn takes<T>(what: &str, most: u64, attack: impl FnOnce(&Https) -> T) {
    let https = Https::start_with(&[
        ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
    ]);
    let before = resident(&https, "VmRSS");
    let held = attack(&https);
    for request in [health(), check(r#"{"ports":[]}"#)] {
        let socket = connect_from("127.0.0.1", https.address()).expect("there is room");
        let stream = tls::shake_hands(socket, &https.authority.pem, &[]);
        let mut stream = stream.expect("there is room");
        stream.write_all(&request).expect("it is read");
        let answer = try_read_answer(&mut stream).expect("an answer");
        assert_eq!(answer.status, 200, "{what}: others are served: {answer:?}");
    }
    let taken = resident(&https, "VmHWM") - before;
    println!("{what}: {} MiB", taken / MEBI);
    assert!(taken < most, "{what}: {} MiB", taken / MEBI);
    drop(held);
}

fn health() -> Vec<u8> {
    b"GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".to_vec()
}

fn connect(https: &Https) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    tls::shake_hands(connect_from(ATTACKER, https.address())?, &https.authority.pem, &[])
}

/// Heads of references to one field that the service was told to remember, each a byte on the wire.
#[test]
fn heads_on_streams_whose_bodies_never_come() {
    let cases = [
        (7_900, true, "29 MiB on the wire, when they were taken"),
        (960, true, "as many fields as are decoded"),
        (96, true, "as many fields as are admitted"),
        (900, false, "after those, one more in part"),
    ];
    for (fields, whole, why) in cases {
        let what = format!("120 connections with 31 heads of {fields} fields ({why})");
        takes(&what, 120 * (Bounds::CONNECTION_BYTES + Bounds::HTTP2_BYTES), |https| {
            (0..120).map(|_| send_heads(https, fields, whole)).collect::<Vec<io::Result<_>>>()
        });
    }
}

/// On each of 31 streams of a connection: whole, or as many as are admitted and then one more in part.
fn send_heads(https: &Https, fields: usize, whole: bool) -> io::Result<Http2> {
    let head = http2::head("POST", "/check-ports", &[("content-type", "application/json")]);
    let mut client = Http2::connect(ATTACKER, https.address(), &https.authority.pem, &[])?;
    let with =
        |remember: &[u8], fields| [&head, remember, &vec![http2::REMEMBERED; fields][..]].concat();
    for stream in 0..31 {
        let remember = if stream == 0 { http2::REMEMBER } else { &[] };
        let head = with(remember, if whole { fields } else { 96 });
        // The service may have hung up by now.
        if client.send_head(&head, false).is_err() {
            return Ok(client);
        }
    }
    if !whole {
        let _ = client.send(kind::HEADERS, 0, 63, &with(&[], fields));
    }
    Ok(client)
}

/// The most that is taken before a head is complete.
#[test]
fn heads_that_do_not_end() {
    takes("300 heads of 16,000 bytes in part", 300 * Bounds::CONNECTION_BYTES, |https| {
        let field = format!("X: {}\r\n", "x".repeat(300));
        let head = format!("GET / HTTP/1.1\r\n{}X: ", field.repeat(52));
        let attack = || {
            let mut stream = connect(https)?;
            let _ = stream.write_all(head.as_bytes());
            Ok(stream)
        };
        (0..300).map(|_| attack()).collect::<Vec<io::Result<_>>>()
    });
}

/// Twice as many as there is memory for, of which one caller may have seven parts in eight.
#[test]
fn bodies_that_do_not_end() {
    let most = 128 * MEBI + 256 * Bounds::CONNECTION_BYTES;
    takes("256 bodies of 1,000,000 bytes without the last", most, |https| {
        let body = " ".repeat(999_999);
        let attack = || {
            let mut stream = connect(https)?;
            let head = CHUNKED.replace("Transfer-Encoding: chunked", "Content-Length: 1000000");
            let _ = stream.write_all((head + &body).as_bytes());
            Ok(stream)
        };
        (0..256).map(|_| attack()).collect::<Vec<io::Result<_>>>()
    });
}

#[test]
fn bodies_whose_checks_are_under_way() {
    let silent = Silent::on(LOOPBACK);
    takes("200 checks with bodies of 1,000,000 bytes", 150 * MEBI, |https| {
        let filler = "x".repeat(1_000_000);
        let body =
            format!(r#"{{"provider_ip":"127.0.0.1","ports":[{}],"x":"{filler}"}}"#, silent.port());
        let attack = || {
            let mut stream = connect(https)?;
            let head = CHUNKED
                .replace("Transfer-Encoding: chunked", &format!("Content-Length: {}", body.len()));
            let _ = stream.write_all((head + &body).as_bytes());
            Ok(stream)
        };
        (0..200).map(|_| attack()).collect::<Vec<io::Result<_>>>()
    });
}

/// The answers, which come when the time for a body is over, tell that what was sent is kept by then.
#[test]
fn bodies_of_chunks_of_one_byte() {
    takes("8 bodies of 300,000 chunks of one byte", 12 * MEBI, |https| {
        let chunks = "1\r\n \r\n".repeat(300_000);
        let attack = || {
            let mut stream = connect(https).expect("a connection");
            // On a slow machine its time may be over by now.
            let _ = stream.write_all((CHUNKED.to_owned() + &chunks).as_bytes());
            stream
        };
        let mut held: Vec<_> = (0..8).map(|_| attack()).collect();
        for answer in held.iter_mut().filter_map(|stream| try_read_answer(stream).ok()) {
            assert_eq!(answer.status, 408, "{answer:?}");
        }
        held
    });
}

#[test]
fn large_answers_that_nobody_reads() {
    takes("100 connections that ask and do not read", 32 * MEBI, |https| {
        let asks = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n".repeat(40);
        let attack = || {
            let mut stream = connect(https)?;
            stream.write_all(asks.as_bytes())?;
            stream.sock.peek(&mut [0])?;
            Ok(stream)
        };
        (0..100).map(|_| attack()).collect::<Vec<io::Result<_>>>()
    });
}
