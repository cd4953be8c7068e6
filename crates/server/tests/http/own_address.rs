//! About the caller's own address.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use port_checker_testbed::{
    http::{get, request},
    ports::{Held, Listening, Refusing},
};

use crate::server::Server;

#[test]
fn a_caller_learns_its_address() {
    let server = Server::start_on("[::]:0", |_| {});
    for ip in ["127.0.0.1", "::1"] {
        let address = (ip.parse::<IpAddr>().unwrap(), server.address.port()).into();
        let plain = get(address, "/ip");
        assert_eq!(String::from_utf8_lossy(&plain.body), format!("{ip}\n"));
        assert_eq!(plain.header("content-type"), Some("text/plain; charset=utf-8"));
        let json = request(address, "GET", "/ip", "Accept: application/json\r\n");
        assert_eq!(String::from_utf8_lossy(&json.body), format!(r#"{{"ip":"{ip}"}}"#));
        assert_eq!(json.header("content-type"), Some("application/json"));
    }
}

#[test]
fn a_caller_learns_how_long_a_silent_port_takes() {
    let server = Server::start(|config| {
        config.probe.attempts = NonZeroU32::new(3).unwrap();
        config.probe.delay = Duration::from_secs(1);
        config.probe.timeout = Duration::from_millis(2500);
    });
    assert_eq!(get(server.address, "/ip").header("silent-port-seconds"), Some("4.5"));
}

#[test]
fn one_port_of_the_caller() {
    let server = Server::start(|_| {});
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let (open, closed) = (Listening::on(loopback), Refusing::on(loopback));
    let cases = [
        (open.port(), r#""accessible":true,"error":null}"#),
        (closed.port(), r#""accessible":false,"error":"Connection refused"}"#),
    ];
    for (port, end) in cases {
        let answer = get(server.address, &format!("/port/{port}"));
        let expected = format!(r#"{{"ip":"127.0.0.1","port":{port},{end}"#);
        assert_eq!(String::from_utf8_lossy(&answer.body), expected);
        assert!(answer.header("ratelimit").is_some(), "it is charged");
    }
}

#[test]
fn invalid_and_refused_ports() {
    let server = Server::start(|config| config.policy.ports = "1024-65535".parse().unwrap());
    for port in ["0", "65536", "-1", "http", "80%20", "%ff", "1.5"] {
        let answer = get(server.address, &format!("/port/{port}"));
        assert_eq!((answer.status, answer.code().as_str()), (422, "INVALID_PORT"), "{port}");
        assert!(answer.message().contains(&format!("'{port}'")), "{}", answer.message());
    }
    let answer = get(server.address, "/port/80");
    assert_eq!((answer.status, answer.code().as_str()), (403, "TARGET_NOT_ALLOWED"));
    for port in ["51820/udp", "51820%2Fudp", "51820/UDP"] {
        let answer = get(server.address, &format!("/port/{port}"));
        assert_eq!((answer.status, answer.code().as_str()), (422, "INVALID_PORT"), "{port}");
        let message = answer.message();
        assert!(message.contains("`port-checker verify 51820/udp`"), "{message}");
    }
}
