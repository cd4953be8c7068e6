//! Nothing that a stranger's listener says goes any further.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use port_checker_testbed::{
    http::{JSON, post},
    process::Service,
};
use serde_json::json;

use crate::program::port_checker;

/// What the listeners say, in one way or another.
const SECRET: &str = "root:hunter2";

/// What they should say.
const CHALLENGE: &str = "0123456789abcdef";

/// Pieces of one conversation, the pause after each, and what the checker should call it.
const LISTENERS: [(&str, usize, Duration, &str); 5] = [
    ("mismatching", 1, Duration::ZERO, "mismatched"),
    ("endless", 1 << 16, Duration::ZERO, "mismatched"),
    ("byte by byte", 30, Duration::from_millis(100), "mismatched"),
    ("garbage", 2, Duration::ZERO, "mismatched"),
    ("silent", 0, Duration::ZERO, "silent"),
];

#[test]
fn neither_the_line_sent_nor_the_challenge_is_in_an_answer_or_a_log() {
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECKER_DEBUG", "true"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECK_TIMEOUT", "1"),
    ];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let ports = LISTENERS.map(|listener| say(listener).port());
    let body = json!({
        "provider_ip": "127.0.0.1", "ports": ports, "challenge": CHALLENGE, "verbose": true,
    });
    let lines = format!("{JSON}Accept: application/x-ndjson\r\n");
    let mut said = Vec::new();
    for headers in [JSON, &lines] {
        let answer = post(service.address, "/check-ports", headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        said.push(String::from_utf8(answer.body).expect("JSON is text"));
    }
    let answer: serde_json::Value = serde_json::from_str(&said[0]).expect("JSON");
    for ((kind, .., outcome), port) in LISTENERS.iter().zip(ports) {
        let result = &answer["results"][port.to_string()];
        assert_eq!(result["reason"], "challenge_failed", "{kind}: {result}");
        assert_eq!(result["challenge"], *outcome, "{kind}: {result}");
    }
    let (_, log) = service.finish();
    assert!(log.iter().any(|line| line.contains("judged")), "it says what it does: {log:?}");
    said.extend(log);
    for text in said {
        for word in [SECRET, "hunter2", "root", CHALLENGE] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

/// Says it to everybody who connects.
fn say((kind, pieces, pause, _): (&'static str, usize, Duration, &str)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let piece: Vec<u8> = match kind {
        "garbage" => [b"\x00\xff\x1b[31m", SECRET.as_bytes(), b"\r\n"].concat(),
        "byte by byte" => b"r".to_vec(),
        _ => format!("{SECRET}\n").into_bytes(),
    };
    thread::spawn(move || {
        // Kept, so that the silent one does not hang up.
        let mut peers = Vec::new();
        for peer in listener.incoming().take(10) {
            let Ok(mut peer) = peer else { return };
            for _ in 0..pieces {
                if peer.write_all(&piece).is_err() {
                    break;
                }
                thread::sleep(pause);
            }
            peers.push(peer);
        }
    });
    address
}
