//! A checker of a later version, whose answers have words and fields that this version does not know.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// The port about which it gives a verdict; for others it has an error code.
const WITH_A_VERDICT: u16 = 1;

const VERDICT: &str = r#"{"success": false, "message": "m", "places": 3, "results": {"1": {
    "accessible": false, "error": "Eaten by a dog", "reason": "eaten", "attempts": 2, "connect_ms": 1.5,
    "challenge": "growled", "icmp": {"message": "time_exceeded", "from": "192.0.2.1"}, "teeth": 42}}}"#;

const REFUSAL: &str =
    r#"{"detail": {"code": "OUT_OF_INK", "message": "refill", "colour": "blue"}}"#;

/// More connections than the clients of one test make.
const MAX_CONNECTIONS: usize = 16;

/// How long a client may take for its request, far beyond its need.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Starts it; it ends with the test.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    thread::spawn(move || {
        for stream in listener.incoming().take(MAX_CONNECTIONS) {
            answer(stream.expect("a connection"));
        }
    });
    address
}

fn answer(stream: TcpStream) {
    stream.set_read_timeout(Some(REQUEST_TIMEOUT)).expect("a time-out");
    let mut stream = BufReader::new(stream);
    let body: serde_json::Value = serde_json::from_slice(&body(&mut stream)).expect("JSON");
    let (status, answer) = match body["ports"][0].as_u64() {
        Some(port) if port == u64::from(WITH_A_VERDICT) => ("200 OK", VERDICT),
        _ => ("422 Unprocessable Content", REFUSAL),
    };
    let length = answer.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.get_mut().write_all((head + answer).as_bytes()).expect("the client reads");
}

/// The body of a request.
fn body(stream: &mut impl BufRead) -> Vec<u8> {
    let mut length = 0;
    for line in stream.lines().map(|line| line.expect("a line of the head").to_lowercase()) {
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the whole body");
    body
}
