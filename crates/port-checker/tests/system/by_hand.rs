//! Checkers by hand: they answer what a test wants, well formed or not.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

/// More connections than the clients of one test make.
const MAX_CONNECTIONS: usize = 64;

/// How long a client may take for its request, far beyond its need.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Answers each request on `listener` with what `answer` makes of its body (null if there is none), to the end of the
/// test. Returns how many requests there have been.
pub(crate) fn answer(
    listener: TcpListener,
    answer: impl Fn(&Value) -> String + Send + 'static,
) -> Arc<AtomicUsize> {
    let requests = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming().take(MAX_CONNECTIONS) {
            let stream = stream.expect("a connection");
            counted.fetch_add(1, Ordering::Relaxed);
            exchange(stream, &answer);
        }
    });
    requests
}

/// A whole answer, after which the connection ends.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

fn exchange(stream: TcpStream, answer: impl Fn(&Value) -> String) {
    stream.set_read_timeout(Some(REQUEST_TIMEOUT)).expect("a time-out");
    let mut stream = BufReader::new(stream);
    let body = body(&mut stream);
    let request = if body.is_empty() { Value::Null } else { parsed(&body) };
    // A client may have hung up.
    let _ = stream.get_mut().write_all(answer(&request).as_bytes());
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("the client sends JSON")
}

/// The body of a request.
fn body(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut length = 0;
    for line in stream.by_ref().lines() {
        let line = line.expect("a line of the head").to_lowercase();
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
