//! Lines arrive as ports are judged, and not at the end.

use std::{
    io::{BufRead, BufReader, Write},
    time::{Duration, Instant},
};

use port_checker_testbed::{http::connect, skip};
use serde_json::{Value, json};

use super::lab::{Kind, Lab, V4, V6, mixed};

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// When ports of a kind should be judged, in milliseconds: refused ones are tried three times, a second
/// apart; with time for a busy machine.
fn expected(kind: Kind) -> std::ops::Range<u128> {
    match kind {
        Kind::Open => 100..1_500,
        Kind::Refused => 2_300..4_000,
        Kind::Silent => 6_990..8_000,
    }
}

#[test]
fn each_line_arrives_when_its_port_is_judged() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(ROUND_TRIP, 0.0);
    let ports = mixed(200);
    let _open = lab.open(&ports);
    let service = lab.serve(&[]);
    std::thread::scope(|scope| {
        for host in [V4, V6] {
            let (lab, ports, address) = (&lab, &ports, service.address);
            scope.spawn(move || {
                let lines = lab.checker.within(|| timed_lines(address, &request(host, ports)));
                assert_eq!(lines.len(), ports.len() + 1, "a line for each port, and the summary");
                for (line, after) in &lines[..ports.len()] {
                    let port = line["port"].as_u64().expect("a port");
                    let (_, kind) =
                        ports.iter().find(|(other, _)| u64::from(*other) == port).unwrap();
                    assert!(expected(*kind).contains(after), "{kind:?} after {after} ms: {line}");
                    assert_eq!(line["accessible"], json!(*kind == Kind::Open), "{kind:?}: {line}");
                }
                assert_eq!(lines[ports.len()].0["success"], true);
            });
        }
    });
}

fn request(host: &str, ports: &[(u16, Kind)]) -> String {
    let ports: Vec<u16> = ports.iter().map(|(port, _)| *port).collect();
    let body = json!({"provider_ip": host, "ports": ports}).to_string();
    let length = body.len();
    format!(
        "POST /check-ports HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Content-Type: application/json\r\nAccept: application/x-ndjson\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// The lines of the answer, and after how many milliseconds each was there.
fn timed_lines(server: std::net::SocketAddr, request: &str) -> Vec<(Value, u128)> {
    let mut stream = connect(server);
    let began = Instant::now();
    stream.write_all(request.as_bytes()).expect("the server reads");
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    // Beside the lines there are headers, and the sizes of chunks.
    let lines = lines.filter(|line| line.starts_with('{'));
    lines
        .map(|line| (serde_json::from_str(&line).expect("JSON"), began.elapsed().as_millis()))
        .collect()
}
