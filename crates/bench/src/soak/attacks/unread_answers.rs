//! Kind B, scarce things that live in an answer: checks of ports that never answer, told line by line to
//! clients that take nothing of it.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, TcpStream},
    time::{Duration, Instant},
};

use port_checker_testbed::http2::{Http2, INITIAL_WINDOW_SIZE, flag, head, kind};
use socket2::{Domain, Socket, Type};

use super::super::{
    attack::{Attack, Attacker},
    lab::{json, silent_check},
    service::Attacked,
};

/// How long an answer is not read: longer than any check may take.
const HELD: Duration = Duration::from_secs(40);

/// Between two requests that keep a connection from being idle.
const BETWEEN: Duration = Duration::from_secs(5);

/// Four checks of one caller have more than there are sockets, and no more than may be asked for at once.
const PORTS: u16 = 250;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        kind: 'B',
        name: "NDJSON over HTTP/2, a window of 0",
        threads: 4,
        rest: Duration::from_millis(100),
        round: without_window,
    },
    Attack {
        kind: 'B',
        name: "NDJSON over HTTP/1, a tiny buffer",
        threads: 4,
        rest: Duration::from_millis(100),
        round: without_buffer,
    },
];

fn without_window(attacker: &Attacker<'_>) {
    let Some(stream) = attacker.connect(attacker.address_of_turn()) else { return };
    match hold(attacker, stream) {
        Ok(ended) => attacker.tally.came_to(ended),
        Err(_) => attacker.tally.came_to("broken off by the service"),
    }
}

/// Begins a check and keeps the connection busy; returns how that ended.
fn hold(attacker: &Attacker<'_>, stream: TcpStream) -> io::Result<&'static str> {
    stream.set_read_timeout(Some(BETWEEN))?;
    let mut client = Http2::over(stream, &[(INITIAL_WINDOW_SIZE, 0)])?;
    let fields = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let check = client.send_head(&head("POST", "/check-ports", &fields), false)?;
    client.send(kind::DATA, flag::END_STREAM, check, silent_check(PORTS).as_bytes())?;
    let begun = Instant::now();
    while begun.elapsed() < HELD && !attacker.is_over() {
        match client.receive() {
            Ok(frame) if frame.kind == kind::GOAWAY => return Ok("told to go"),
            Ok(frame) if frame.kind == kind::RST_STREAM && frame.stream == check => {
                return Ok("reset");
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                client.send_head(&head("GET", "/ip", &[]), true)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok("held to the end")
}

fn without_buffer(attacker: &Attacker<'_>) {
    attacker.tally.tried();
    let begin = || {
        let mut stream = connect_narrow(attacker.address_of_turn())?;
        let accept = "Accept: application/x-ndjson\r\n";
        stream.write_all(&json("/check-ports", accept, &silent_check(PORTS)))?;
        Ok::<_, io::Error>(stream)
    };
    match begin() {
        Ok(stream) => {
            attacker.rest(HELD);
            attacker.tally.came_to("held to the end");
            drop(stream);
        }
        Err(error) => attacker.tally.came_to(&error.kind().to_string()),
    }
}

/// With a kernel that buffers next to nothing of the answer.
#[expect(clippy::disallowed_methods, reason = "dials the service under attack")]
fn connect_narrow(from: Ipv4Addr) -> io::Result<TcpStream> {
    const LEAST: usize = 1;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(LEAST)?;
    socket.bind(&std::net::SocketAddr::from((from, 0)).into())?;
    socket.connect(&Attacked::address().into())?;
    Ok(socket.into())
}
