//! No connection, no HTTP, or no answer of a checker.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use port_checker_testbed::ports::{Held, LOOPBACK, Listening, Refusing, Silent};

use super::row;

/// Something that sends every connection the same bytes, then hangs up; where it is.
fn always(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&bytes);
    })
}

fn serve(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    address.to_string()
}

#[tokio::test]
async fn no_connection() {
    let label = "a".repeat(64);
    let (refusing, silent) = (Refusing::on(LOOPBACK), Silent::on(LOOPBACK));
    let mute = Listening::on(LOOPBACK);
    let lookup = format!(
        "cannot talk to {{url}}: the name '{label}.example' could not be looked up: is it spelled \
         right, and does this machine's name server answer?"
    );
    row(&format!("http://{label}.example"), None, &lookup, "no such name, a label is too long")
        .await;
    row(
        &format!("http://{}", refusing.address()),
        None,
        "cannot talk to {url}: the connection was refused: nothing listens there",
        "nobody there",
    )
    .await;
    row(
        "http://127.0.0.3",
        None,
        "cannot talk to {url}: the connection was refused: nothing listens on port 80; a checker usually listens on \
         port 9000, written :9000 behind its name",
        "the port was forgotten",
    )
    .await;
    row(
        "http://255.255.255.255:9000",
        None,
        "cannot talk to {url}: this machine has no route to it",
        "the kernel has no route to everybody at once",
    )
    .await;
    let timed_out = "cannot talk to {url}: the connection timed out: the address is wrong, or a \
                     firewall drops the packets";
    row(&format!("http://{}", silent.address()), None, timed_out, "the SYN is dropped").await;
    let silent = "{url} did not answer within 12s";
    row(&format!("http://{}", mute.address()), None, silent, "connected, and nothing comes").await;
}

#[tokio::test]
async fn no_http() {
    let incomplete = "cannot talk to {url}: it hung up before its answer was complete; if it expects \
                      HTTPS, try {other}";
    let plain = "cannot talk to {url}: the server there does not speak plain HTTP; try {other}";
    let ssh = always("SSH-2.0-OpenSSH_9.2\r\n");
    // What a TLS server answers to plain HTTP: an alert (RFC 8446, section 6).
    let tls = always([21, 3, 3, 0, 2, 2, 50]);
    let rows = [
        (format!("http://{ssh}"), plain, "SSH"),
        (format!("http://{tls}"), plain, "a TLS server"),
        (format!("http://{}", always("")), incomplete, "a FIN at once"),
        (format!("http://{}", always("HTTP/1.1 200 O")), incomplete, "half a head"),
        (
            format!("http://{}", always("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")),
            "cannot talk to {url}: it hung up before its answer was complete",
            "half a body",
        ),
        (
            format!("http://{}", always(format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(1 << 20)))),
            "cannot talk to {url}: the head of its answer is too large",
            "an endless head",
        ),
        (
            format!("http://{}", serve(reset)),
            "cannot talk to {url}: the connection was reset",
            "a RST",
        ),
        (
            format!("https://{ssh}"),
            "cannot talk to {url}: the server there does not speak HTTPS; try {other}",
            "SSH over https",
        ),
        (
            format!("https://{}", always("HTTP/1.1 400 Bad Request\r\n\r\n")),
            "cannot talk to {url}: the server there does not speak HTTPS; try {other}",
            "a plain server",
        ),
        (
            format!("https://{}", always("")),
            "cannot talk to {url}: it hung up during the TLS handshake; if it speaks plain HTTP, try \
             {other}",
            "a FIN at once over https",
        ),
        (
            format!("https://{tls}"),
            "cannot talk to {url}: it refuses the TLS handshake: it and this program have no version \
             (1.2 or 1.3) or cipher in common, or it asks for a certificate of ours",
            "an alert",
        ),
    ];
    for (url, expected, why) in rows {
        row(&url, None, expected, why).await;
    }
}

fn reset(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 4096]);
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a socket");
}

/// What proxies and portals send.
const PAGE: &str = "<!DOCTYPE html><html><title>504</title></html>";

/// The status, headers, body, and what a person is told.
const ANSWERS: [(&str, &str, &str, &str); 20] = [
    (
        "200 OK",
        "",
        PAGE,
        "{url} gave an answer that cannot be understood: it is a web page: is this the address of a port checker, and is no portal or proxy in between?",
    ),
    ("200 OK", "", "", "{url} gave an answer that cannot be understood: it is empty"),
    (
        "200 OK",
        "",
        "]",
        "{url} gave an answer that cannot be understood: it is not JSON, or not all of it: is this the address of a port checker?",
    ),
    (
        "200 OK",
        "",
        "{\"ip\"",
        "{url} gave an answer that cannot be understood: it is not JSON, or not all of it: is this the address of a port checker?",
    ),
    (
        "200 OK",
        "",
        "{\"address\":1}",
        "{url} gave an answer that cannot be understood: it is JSON, but not the answer of a port checker: is this the address of one?",
    ),
    (
        "302 Found",
        "location: https://portal.example/login\r\n",
        PAGE,
        "{url} answered 302: it is, or a portal wants you to go, at https://portal.example/login; give that address if it is the checker's",
    ),
    (
        "400 Bad Request",
        "",
        PAGE,
        "{url} answered 400: it does not take this for HTTP; if it expects HTTPS, try {other}",
    ),
    (
        "401 Unauthorized",
        "",
        PAGE,
        "{url} answered 401: it, or a proxy or portal before it, wants you to log in",
    ),
    (
        "404 Not Found",
        "",
        PAGE,
        "{url} answered 404: it has no such route: is this the address of a port checker?",
    ),
    ("404 Not Found", "", "{\"detail\":\"Not Found\"}", "{url} answered 404: Not Found"),
    (
        "407 Proxy Authentication Required",
        "",
        "",
        "{url} answered 407: a proxy or portal before it wants you to log in",
    ),
    (
        "413 Too Large",
        "",
        PAGE,
        "{url} answered 413: a proxy before it does not pass on so large a request",
    ),
    (
        "422 Unprocessable",
        "",
        "{\"detail\":[{\"loc\":[]}]}",
        "{url} answered 422: it does not accept the request",
    ),
    (
        "429 Too Many Requests",
        "",
        PAGE,
        "{url} answered 429: it, or a proxy before it, wants fewer requests",
    ),
    (
        "500 Internal Server Error",
        "",
        PAGE,
        "{url} answered 500: it has a defect, or a proxy before it has",
    ),
    ("502 Bad Gateway", "", PAGE, "{url} answered 502: a proxy before it cannot reach it"),
    (
        "503 Service Unavailable",
        "",
        PAGE,
        "{url} answered 503: it, or a proxy before it, takes no work now",
    ),
    (
        "503 Service Unavailable",
        "",
        "Service Unavailable",
        "{url} answered 503: Service Unavailable",
    ),
    (
        "504 Gateway Time-out",
        "",
        PAGE,
        "{url} answered 504: a proxy before it waited for its answer in vain",
    ),
    ("418 Teapot", "", PAGE, "{url} answered 418: it does not give the answer of a port checker"),
];

#[tokio::test]
async fn no_answer_of_a_checker() {
    for (status, headers, body, expected) in ANSWERS {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
        row(&format!("http://{}", always(answer)), None, expected, status).await;
    }
}
