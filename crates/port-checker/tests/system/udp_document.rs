//! The listener in `docs/udp.md`, as somebody who copies it would run it.

use std::{fs, net::SocketAddr, process::Command};

use port_checker_api::UdpQuestion;
use port_checker_testbed::{
    datagrams::{Mute, unused},
    http::{connect_from, exchange},
    ports::LOOPBACK,
    process::{Running, Service, wait_until},
    skip,
};
use serde_json::json;

use crate::program::{port_checker, repository};

const CHALLENGE: &str = "correct horse 'battery' staple";

#[test]
fn the_listener_in_python_is_found_open_at_every_address() {
    if !skip::has("python3", "--version") {
        return;
    }
    let document = fs::read_to_string(repository("docs/udp.md")).unwrap();
    let program = document.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let program = program.expect("the document has a listener");
    let port = unused(1)[0];
    let mut command = Command::new("python3");
    let _listener = Running::launch(command.args(["-c", program, &port.to_string(), CHALLENGE]));
    let (asker, question) = (Mute::on(LOOPBACK), UdpQuestion { token: [7; 16] }.to_bytes());
    wait_until("it answers", || {
        asker.send(&question, SocketAddr::new(LOOPBACK, port.get()));
        asker.read_within(std::time::Duration::from_millis(100)).is_some()
    });
    let settings = [
        ("PORT_CHECKER_HOST", "::"),
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_RETRIES", "1"),
    ];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let found = |from: &str, challenge: &str| {
        let to = if from == "::1" { from } else { "127.0.0.1" };
        let server = SocketAddr::new(to.parse().unwrap(), service.address.port());
        let body = json!({
            "ports": [port], "transport": "udp", "challenge": challenge, "verbose": true,
        });
        let mut stream = connect_from(from, server).expect("the service listens");
        let answer = exchange(&mut stream, "", &body.to_string()).expect("an answer");
        answer.json()["results"][port.to_string()]["reason"].clone()
    };
    for ip in ["127.0.0.1", "127.0.0.2", "::1"] {
        assert_eq!(found(ip, CHALLENGE), json!(null), "{ip}: open");
        assert_eq!(found(ip, "another challenge"), json!("challenge_failed"), "{ip}");
    }
}
