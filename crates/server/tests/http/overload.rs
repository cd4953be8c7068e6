//! More work than there are sockets.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use port_checker_testbed::{
    http::{begin_request, check_ports, connect, metric, read_answer},
    ports::{Held, LOOPBACK, Listening, Silent},
    process::wait_until,
};

use crate::server::Server;

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
    wait_until("the slow check has its share", || in_flight() == 6.0);
    let open = Listening::on(LOOPBACK);
    let answer = check_ports(server.address, &format!(r#"{{"ports":[{}]}}"#, open.port()));
    assert_eq!(answer.json()["success"], true, "{answer:?}");
    assert_eq!(in_flight(), 6.0, "the slow one is still at it");
}

#[test]
fn a_caller_with_many_checks_does_not_keep_others_from_theirs() {
    const GREEDY: &str = "203.0.113.1";
    const MODEST: &str = "203.0.113.2";
    let server = Server::start(|config| {
        config.max_in_flight = 200;
        config.probe.timeout = Duration::from_secs(2);
        config.deadline = Duration::from_secs(60);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a prefix")];
        config.limits.caller.per_minute = 0;
        config.limits.target.per_minute = 0;
    });
    let silent: Vec<Silent> = (0..60).map(|_| Silent::on(LOOPBACK)).collect();
    let ports: Vec<u16> = silent.iter().map(|silent| silent.port().get()).collect();
    let ask = |caller: &str, ports: &[u16]| {
        let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":{ports:?}}}"#);
        let length = body.len();
        let head = format!(
            "POST /check-ports HTTP/1.1\r\nHost: checker\r\nContent-Type: application/json\r\n\
             X-Forwarded-For: {caller}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = connect(server.address);
        stream.write_all(head.as_bytes()).expect("the service reads");
        stream
    };
    // Each wants 180 sockets.
    let _greedy = [0; 6].map(|_| ask(GREEDY, &ports));
    let in_flight = || metric(server.address, "port_checker_probes_in_flight ");
    wait_until("one caller has all the sockets that it may have", || in_flight() >= 150.0);
    let began = Instant::now();
    let answer = read_answer(&mut ask(MODEST, &ports[..5]));
    assert_eq!(answer.status, 200, "{answer:?}");
    // All three attempts overlap: nothing waits for a socket of the other caller's.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn bodies_that_arrive_share_a_bound() {
    let server = Server::start(|config| config.bounds.memory_bytes = 4096);
    let body = format!(r#"{{"ports":[],"x":"{}"}}"#, "x".repeat(2_000));
    let mut slow = None;
    // Whichever of the two arrives second finds no room; until that is the quick one, again.
    wait_until("there is no room for another", || {
        let mut first = begin_request(server.address, 2_100);
        first.write_all(&[b' '; 2_099]).unwrap();
        let answer = check_ports(server.address, &body);
        slow = Some(first);
        answer.status == 503 && answer.code() == "OVERLOADED"
    });
    drop(slow);
    wait_until("there is room again", || check_ports(server.address, &body).status == 200);
}

#[test]
fn a_caller_over_its_limit_does_not_wait_for_a_socket() {
    let server = Server::start(|config| {
        config.max_in_flight = 1;
        config.probe.attempts = std::num::NonZeroU32::MIN;
        config.probe.timeout = Duration::from_secs(20);
        config.deadline = Duration::from_secs(60);
        config.limits.caller = port_checker_server::Allowance { per_minute: 1, burst: 1 };
    });
    let silent = Silent::on(LOOPBACK);
    let _slow = server.begin_check(&silent);
    let in_flight = || metric(server.address, "port_checker_probes_in_flight ");
    wait_until("the probe is under way", || in_flight() == 1.0);
    let answer = check_ports(server.address, r#"{"ports":[1]}"#);
    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"), "{answer:?}");
    assert_eq!(metric(server.address, "port_checker_requests_waiting "), 0.0);
}
