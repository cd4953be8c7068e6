//! An HTTP client that sends exactly the bytes it is given, well formed or not.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::process::wait_until;

/// How long an answer may take before the test fails, far beyond anything a test provokes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The header line of a JSON body.
pub const JSON: &str = "Content-Type: application/json\r\n";

/// An answer, read to the end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers in the order sent, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header called `name`, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> serde_json::Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}: {self:?}"))
    }

    /// The `detail.code` of an error body.
    ///
    /// # Panics
    /// When the body is not one.
    pub fn code(&self) -> String {
        self.json()["detail"]["code"].as_str().expect("an error code").to_owned()
    }

    /// The `detail.message` of an error body.
    ///
    /// # Panics
    /// When the body is not one.
    pub fn message(&self) -> String {
        self.json()["detail"]["message"].as_str().expect("an error message").to_owned()
    }
}

/// Connects to a server under test.
///
/// # Panics
/// When it cannot.
pub fn connect(server: SocketAddr) -> TcpStream {
    try_connect(server).expect("the server listens")
}

/// Connects to a server under test, if it listens.
///
/// # Errors
/// It does not.
#[expect(clippy::disallowed_methods, reason = "dials the server under test")]
pub fn try_connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Connects to a server under test from one of the addresses of loopback.
///
/// # Errors
/// It does not listen.
///
/// # Panics
/// When `client` is no address of this machine.
#[expect(clippy::disallowed_methods, reason = "dials the server under test")]
pub fn connect_from(client: &str, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    let client: IpAddr = client.parse().expect("an address");
    socket.bind(&SocketAddr::new(client, 0).into()).expect("an address of this machine");
    socket.connect(&server.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Connects to a server under test with a kernel that holds next to nothing of its answers.
///
/// # Panics
/// When it cannot.
#[expect(clippy::disallowed_methods, reason = "dials the server under test")]
pub fn connect_narrow(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a socket has a buffer");
    socket.connect(&server.into()).expect("the server listens");
    socket.into()
}

/// Sends `request`, which should end the connection, and reads the answer to the end.
pub fn send(server: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(server);
    // A server may answer and hang up before it has read everything.
    let _ = stream.write_all(request);
    read_answer(&mut stream)
}

/// The value of `series` in `/metrics`, such as `name{label="value"}`.
///
/// # Panics
/// When it says nothing of it.
pub fn metric(server: SocketAddr, series: &str) -> f64 {
    let text = String::from_utf8(get(server, "/metrics").body).expect("metrics are text");
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {series} in {text}"))
}

/// `GET path`.
pub fn get(server: SocketAddr, path: &str) -> Answer {
    request(server, "GET", path, "")
}

/// A request without a body.
pub fn request(server: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
    send(server, head.as_bytes())
}

/// `POST /check-ports` with a JSON body.
pub fn check_ports(server: SocketAddr, body: &str) -> Answer {
    send(server, &check(body))
}

/// A `POST` with these further header lines and this body.
pub fn post(server: SocketAddr, path: &str, headers: &str, body: &[u8]) -> Answer {
    send(server, &post_bytes(path, headers, body))
}

/// The bytes of a check with this JSON body, after which the connection ends.
pub fn check(body: &str) -> Vec<u8> {
    post_bytes("/check-ports", JSON, body.as_bytes())
}

fn post_bytes(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Asks for a check on a connection that stays open.
pub fn exchange(stream: &mut TcpStream, headers: &str, body: &str) -> io::Result<Answer> {
    let length = body.len();
    let head = format!(
        "POST /check-ports HTTP/1.1\r\nHost: test\r\n{JSON}{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes())?;
    try_read_answer(stream)
}

/// Asks for far more than the kernel holds for a client, reads none of it, and waits until the
/// server is stuck with the rest.
///
/// # Panics
/// When the server does not take the request.
pub fn ask_and_not_read(server: SocketAddr) -> TcpStream {
    const MANY: usize = 40;
    const LOOKS: u32 = 10;
    let mut stream = connect(server);
    let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n";
    stream.write_all(request.repeat(MANY).as_bytes()).expect("the server reads");
    stream.peek(&mut [0]).expect("the server begins to answer");
    let (mut answered, mut unchanged) = (0.0, 0);
    wait_until("the server is stuck", || {
        let now =
            metric(server, r#"port_checker_requests_total{route="/docs/{*asset}",status="200"}"#);
        unchanged = if now == answered { unchanged + 1 } else { 0 };
        answered = now;
        unchanged >= LOOKS
    });
    stream
}

/// Sends the head of a check whose body has `length` bytes, and waits until the server asks for it.
///
/// # Panics
/// When it does not.
pub fn begin_request(server: SocketAddr, length: usize) -> TcpStream {
    const INVITATION: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut stream = connect(server);
    let head = format!(
        "POST /check-ports HTTP/1.1\r\nHost: test\r\n{JSON}\
         Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the server reads");
    let mut said = vec![0; INVITATION.len()];
    stream.read_exact(&mut said).expect("the server asks for the body");
    assert_eq!(said, INVITATION);
    stream
}

/// Sends a check; it is under way when this returns.
///
/// # Panics
/// When the server does not take it.
pub fn begin_check(server: SocketAddr, body: &str) -> TcpStream {
    let mut stream = begin_request(server, body.len());
    stream.write_all(body.as_bytes()).expect("the server reads");
    stream
}

/// Reads one answer: to the end of its declared length, or of the connection.
///
/// # Panics
/// When there is none.
pub fn read_answer(stream: &mut TcpStream) -> Answer {
    try_read_answer(stream).expect("an answer")
}

/// Reads one answer, if there is one.
///
/// # Errors
/// The connection ended before it, or in it.
pub fn try_read_answer(stream: &mut impl Read) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        if let Some(answer) = parse(&bytes, false) {
            return Ok(answer);
        }
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            // A read with a time-out does not go on by itself after a pause (signal(7)).
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    parse(&bytes, true).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
}

/// The answer in `bytes`, if it is all there. At the end of the connection a body without a length
/// is complete.
fn parse(bytes: &[u8], ended: bool) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes).expect("an HTTP answer") else {
        return None;
    };
    let headers = head
        .headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_lowercase(), value)
        })
        .collect();
    let answer = Answer { status: head.code?, headers, body: bytes[start..].to_vec() };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    match length {
        Some(length) => (answer.body.len() >= length).then_some(answer),
        None => ended.then_some(answer),
    }
}
