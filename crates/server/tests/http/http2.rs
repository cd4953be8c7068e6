//! Attacks that only HTTP/2 makes possible.

use std::{io, time::Duration};

use port_checker_server::{TlsFiles, TlsIdentity};
use port_checker_testbed::{
    certificates::{Authority, Validity},
    http::{connect_from, get},
    http2::{self, Frame, Http2, INITIAL_WINDOW_SIZE, flag, kind},
    process::wait_until,
    tls,
};

use crate::server::Server;

const SHORT: Duration = Duration::from_millis(100);

/// The first frame of this kind.
fn wait_for(client: &mut Http2, kind: u8) -> Frame {
    loop {
        let frame = client.receive().expect("a frame of that kind comes");
        if frame.kind == kind {
            return frame;
        }
    }
}

#[test]
fn an_answer_that_is_not_let_through_is_reset_and_its_connection_ends() {
    let server = Server::start(|config| {
        config.deadline = SHORT;
        config.bounds.body_time = SHORT;
        config.bounds.answer_time = SHORT;
        config.bounds.head_time = 5 * SHORT;
    });
    let mut client = Http2::plain(server.address, &[(INITIAL_WINDOW_SIZE, 0)]).unwrap();
    let stream = client.send_head(&http2::head("GET", "/ip", &[]), true).unwrap();
    assert_eq!(wait_for(&mut client, kind::HEADERS).stream, stream, "the answer begins");
    assert_eq!(wait_for(&mut client, kind::RST_STREAM).stream, stream, "and does not go on");
    wait_for(&mut client, kind::GOAWAY);
    let after: io::Result<Vec<Frame>> = std::iter::repeat_with(|| client.receive()).collect();
    assert_eq!(after.expect_err("it ends").kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn heads_with_too_many_fields_or_too_large_ones() {
    let server = Server::start(|config| config.bounds.head_bytes = 8 * 1024);
    let head = http2::head("GET", "/ip", &[]);
    let cases: &[(usize, &[u8], bool, &str)] = &[
        (99, b"\x40\x01a\x00", true, "as many as may be"),
        (100, b"\x40\x01a\x00", false, "one too many"),
        (0, &[&[0x40, 1, b'a', 126][..], &[b'x'; 126]].concat(), true, "a long one"),
        (60, &[&[0x40, 1, b'a', 126][..], &[b'x'; 126]].concat(), false, "sixty long ones"),
    ];
    for (references, remember, admitted, why) in cases {
        let mut client = Http2::plain(server.address, &[]).unwrap();
        let references = vec![http2::REMEMBERED; *references];
        client.send_head(&[&head[..], remember, &references[..]].concat(), true).unwrap();
        let body = wait_for(&mut client, kind::DATA).payload;
        let body = String::from_utf8_lossy(&body);
        assert_eq!(body.contains("PAYLOAD_TOO_LARGE"), !admitted, "{why}: {body}");
    }
}

#[test]
fn connections_beyond_those_that_may_speak_http2_are_told() {
    let server = Server::start(|config| config.bounds.http2_connections = 1);
    let mut first = Http2::plain(server.address, &[]).unwrap();
    wait_for(&mut first, kind::SETTINGS);
    let mut second = Http2::plain(server.address, &[]).unwrap();
    const ENHANCE_YOUR_CALM: [u8; 4] = [0, 0, 0, 11];
    assert!(wait_for(&mut second, kind::GOAWAY).payload.ends_with(&ENHANCE_YOUR_CALM));
    assert_eq!(get(server.address, "/health").status, 200, "HTTP/1.1 is served");
    drop(first);
    wait_until("there is room again", || {
        let mut next = Http2::plain(server.address, &[]).unwrap();
        // Fails where the server has hung up already.
        let _ = next.send_head(&http2::head("GET", "/ip", &[]), true);
        let kinds = std::iter::from_fn(|| next.receive().ok()).map(|frame| frame.kind);
        let mut telling = kinds.filter(|kind| [kind::HEADERS, kind::GOAWAY].contains(kind));
        telling.next() == Some(kind::HEADERS)
    });
}

#[test]
fn where_there_is_no_room_http1_is_offered() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let identity = authority.issue(&["localhost"], Validity::Now);
    let (certificate, key) = identity.write(directory.path(), "server");
    let files = TlsFiles { certificate: Some(certificate), key: Some(key) };
    let identity = TlsIdentity::load(&files).unwrap();
    let server = Server::start_tls(identity, |config| config.bounds.http2_connections = 1);
    let offered = || {
        let socket = connect_from("127.0.0.1", server.address).unwrap();
        let protocols: [&[u8]; 2] = [b"h2", b"http/1.1"];
        let stream = tls::shake_hands(socket, &authority.pem, &protocols).unwrap();
        (stream.conn.alpn_protocol().map(<[u8]>::to_vec), stream)
    };
    let (first, held) = offered();
    assert_eq!(first.as_deref(), Some(&b"h2"[..]));
    assert_eq!(offered().0.as_deref(), Some(&b"http/1.1"[..]), "the only place is taken");
    drop(held);
    wait_until("there is room again", || offered().0.as_deref() == Some(b"h2"));
}

/// A body in frames of one byte each is a body like any other.
#[test]
fn a_body_of_small_frames() {
    let server = Server::start(|_| {});
    let mut client = Http2::plain(server.address, &[]).unwrap();
    let fields = [("content-type", "application/json")];
    let head = http2::head("POST", "/check-ports", &fields);
    let stream = client.send_head(&head, false).unwrap();
    let body = br#"{"ports":[]}"#;
    for (index, byte) in body.iter().enumerate() {
        let last = if index + 1 == body.len() { flag::END_STREAM } else { 0 };
        client.send(kind::DATA, last, stream, &[*byte]).unwrap();
    }
    let answer = wait_for(&mut client, kind::DATA).payload;
    assert!(answer.starts_with(br#"{"success":false"#), "{}", String::from_utf8_lossy(&answer));
}
