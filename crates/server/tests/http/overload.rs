//! More work than there are sockets.

use std::time::Duration;

use port_checker_testbed::{
    http::{check_ports, metric},
    ports::{Held, Listening, Silent},
    process::wait_until,
};

use crate::server::Server;

const LOOPBACK: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

#[test]
fn a_check_that_could_not_end_in_time_is_turned_away_with_the_time_to_wait() {
    let server = Server::start(|config| {
        config.max_in_flight = 1;
        config.probe.attempts = std::num::NonZeroU32::MIN;
        config.probe.timeout = Duration::from_secs(20);
        config.deadline = Duration::from_secs(20);
    });
    let (silent, open) = (Silent::on(LOOPBACK), Listening::on(LOOPBACK));
    let slow = server.begin_check(&silent);
    let in_flight = || metric(server.address, "port_checker_probes_in_flight ");
    wait_until("the probe is under way", || in_flight() == 1.0);
    let answer = check_ports(server.address, &format!(r#"{{"ports":[{}]}}"#, open.port()));
    assert_eq!((answer.status, answer.code().as_str()), (503, "OVERLOADED"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("20"), "one time-out frees the socket");
    assert_eq!(answer.header("ratelimit"), None, "and nothing was charged");
    drop(slow);
    wait_until("the client's hanging up ends its probe", || in_flight() == 0.0);
}

#[test]
fn a_check_waits_for_a_socket_as_long_as_it_could_still_end_in_time() {
    let server = Server::start(|config| {
        config.max_in_flight = 1;
        config.probe.attempts = std::num::NonZeroU32::MIN;
        config.deadline = Duration::from_secs(20);
    });
    let (silent, open) = (Silent::on(LOOPBACK), Listening::on(LOOPBACK));
    let _slow = server.begin_check(&silent);
    let answer = check_ports(server.address, &format!(r#"{{"ports":[{}]}}"#, open.port()));
    assert_eq!(answer.json()["success"], true, "{answer:?}");
}

#[test]
fn a_large_slow_check_leaves_sockets_for_others() {
    let server = Server::start(|config| {
        config.max_in_flight = 8;
        config.probe.timeout = Duration::from_secs(20);
        config.deadline = Duration::from_secs(60);
    });
    let silent: Vec<Silent> = (0..20).map(|_| Silent::on(LOOPBACK)).collect();
    let ports: Vec<u16> = silent.iter().map(|silent| silent.port().get()).collect();
    let body = format!(r#"{{"ports":{ports:?}}}"#);
    let _slow = port_checker_testbed::http::begin_check(server.address, &body);
    let in_flight = || metric(server.address, "port_checker_probes_in_flight ");
    wait_until("the slow check has its share", || in_flight() == 4.0);
    let open = Listening::on(LOOPBACK);
    let answer = check_ports(server.address, &format!(r#"{{"ports":[{}]}}"#, open.port()));
    assert_eq!(answer.json()["success"], true, "{answer:?}");
    assert_eq!(in_flight(), 4.0, "the slow one is still at it");
}
