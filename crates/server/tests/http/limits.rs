//! How much may be asked.

use std::{
    io::{BufRead, BufReader, Write},
    ops::Range,
    thread,
    time::Duration,
};

use port_checker_server::{Allowance, Config};
use port_checker_testbed::{
    http::{Answer, JSON, check_ports, connect, exchange, metric},
    ports::{Held, LOOPBACK, Listening, Silent},
    process::wait_until,
};

use crate::server::Server;

/// A server that lets a caller have 10 ports checked, and gives back one a minute; and of a target 6 by
/// itself and 6 by all others, and gives back one each two minutes.
fn strict(change: impl FnOnce(&mut Config)) -> Server {
    Server::start(|config| {
        config.limits.caller = Allowance { per_minute: 1, burst: 10 };
        config.limits.target = Allowance { per_minute: 1, burst: 12 };
        config.limits.third_party_cost = 3;
        config.probe.attempts = std::num::NonZeroU32::MIN;
        change(config);
    })
}

fn ask(server: &Server, target: &str, ports: Range<u16>) -> Answer {
    check_ports(server.address, &body(target, ports))
}

/// The answer to `caller`, which a trusted proxy names.
fn ask_as(server: &Server, caller: &str, target: &str, ports: Range<u16>) -> Answer {
    let headers = format!("X-Forwarded-For: {caller}\r\n");
    exchange(&mut connect(server.address), &headers, &body(target, ports)).expect("an answer")
}

fn body(target: &str, ports: Range<u16>) -> String {
    let ports: Vec<u16> = ports.collect();
    format!(r#"{{"provider_ip":"{target}","ports":{ports:?}}}"#)
}

#[test]
fn headers_tell_the_allowance_that_is_left() {
    let server = strict(|_| {});
    let admitted = ask(&server, "127.0.0.1", 1..5);
    assert_eq!(admitted.status, 200);
    assert_eq!(admitted.header("ratelimit"), Some(r#""caller";r=6;t=240, "target";r=2;t=480"#));
    let policy = r#""caller";q=10;w=600, "target";q=6;w=720"#;
    assert_eq!(admitted.header("ratelimit-policy"), Some(policy));
    let refused = ask(&server, "127.0.0.1", 1..4);
    assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(refused.header("retry-after"), Some("120"), "one port comes back in two minutes");
    assert_eq!(refused.header("ratelimit"), Some(r#""caller";r=6;t=240, "target";r=2;t=480"#));
    assert!(refused.message().contains("2 are left"), "{}", refused.message());
    let series = r#"port_checker_limiter_decisions_total{decision="rejected",limit="target"}"#;
    assert_eq!(metric(server.address, series), 1.0);
}

#[test]
fn a_request_is_charged_whole_or_not_at_all() {
    let server = strict(|_| {});
    assert_eq!(ask(&server, "127.0.0.1", 1..8).status, 429, "seven are more than six");
    assert_eq!(ask(&server, "127.0.0.1", 1..7).status, 200, "and cost nothing");
}

#[test]
fn a_request_that_can_never_pass_has_no_retry_after() {
    type Change = fn(&mut Config);
    let own = |server: &Server, count: u16| ask(server, "127.0.0.1", 1..count + 1);
    let other = |server: &Server, count: u16| ask(server, "127.0.0.2", 1..count + 1);
    let none: Change = |_| {};
    let dearer: Change = |config| config.limits.third_party_cost = 11;
    let small: Change = |config| config.limits.target.burst = 1;
    let roomy: Change = |config| config.limits.target.burst = 100;
    type Ask<'a> = &'a dyn Fn(&Server, u16) -> Answer;
    let cases: [(Change, Ask<'_>, u16, &str, &str); 6] = [
        (none, &own, 7, "at most 6 at once", "the half of the target's that is its own"),
        (none, &own, 99, "at most 6 at once", "the smaller limit of two"),
        (roomy, &own, 11, "at most 10 at once", "the caller's"),
        (none, &other, 4, "at most 3 at once", "the caller's, three times each"),
        (dearer, &other, 1, "no check of an address other than your own", "not even one"),
        (small, &other, 1, "no check of an address other than your own", "the half of one"),
    ];
    for (change, ask, ports, said, why) in cases {
        let answer = ask(&strict(change), ports);
        assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"), "{why}");
        assert!(answer.message().contains(said), "{why}: {}", answer.message());
        assert_eq!(answer.header("retry-after"), None, "{why}");
        assert!(answer.header("ratelimit-policy").is_some(), "{why}: {answer:?}");
    }
    let server = strict(none);
    assert_eq!(own(&server, 6).status, 200, "the most passes");
    assert!(own(&server, 6).header("retry-after").is_some(), "and again when time has passed");
}

#[test]
fn third_parties_are_dearer() {
    let server = strict(|_| {});
    let answer = ask(&server, "127.0.0.2", 1..5);
    assert_eq!(answer.status, 429, "four times three is more than ten");
    assert!(answer.message().contains("counts 3 times"), "{}", answer.message());
    assert_eq!(ask(&server, "127.0.0.2", 1..4).status, 200, "three times three is not");
    assert_eq!(ask(&server, "127.0.0.1", 1..2).status, 200, "one's own costs one");
}

#[test]
fn a_neighbour_in_the_same_prefix_is_a_third_party() {
    let server = strict(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]);
    let by_neighbour = ask_as(&server, "::2", "::1", 1..3);
    let expected = r#""caller";r=4;t=360, "target";r=4;t=240"#;
    assert_eq!(by_neighbour.header("ratelimit"), Some(expected), "three times two");
    let by_itself = ask_as(&server, "::1", "::1", 1..5);
    assert_eq!(by_itself.status, 200, "{by_itself:?}");
    let expected = r#""caller";r=0;t=600, "target";r=2;t=480"#;
    assert_eq!(by_itself.header("ratelimit"), Some(expected), "its half is whole");
}

/// A port that sends a challenge to each visitor.
fn greeting() -> Listening {
    let open = Listening::on(LOOPBACK);
    let listener = open.listener.try_clone().expect("a socket");
    thread::spawn(move || {
        for mut visitor in listener.incoming().map_while(Result::ok) {
            // The checker may have hung up.
            let _ = visitor.write_all(b"0123456789abcdef\n");
        }
    });
    open
}

/// A check of ports that are open to its caller costs no more for being asked from elsewhere.
#[test]
fn a_matched_challenge_is_given_back_before_the_answer_ends() {
    let open = greeting();
    let server = strict(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]);
    let port = open.port();
    let body = format!(
        r#"{{"provider_ip":"127.0.0.1","ports":[{port},1],"challenge":"0123456789abcdef"}}"#
    );
    for (caller, accept) in [("192.0.2.1", "*/*"), ("192.0.2.2", "application/x-ndjson")] {
        let headers =
            format!("X-Forwarded-For: {caller}\r\nAccept: {accept}\r\nConnection: close\r\n");
        let answer = exchange(&mut connect(server.address), &headers, &body).expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        let then = ask_as(&server, caller, "127.0.0.1", 0..0);
        let left = then.header("ratelimit").expect("limits");
        assert!(
            left.starts_with(r#""caller";r=6;"#),
            "{accept}: one for one, three for the other: {left}"
        );
    }
}

#[test]
fn a_client_that_hangs_up_gets_the_surplus_of_matched_ports_back() {
    let (open, silent) = (greeting(), Silent::on(LOOPBACK));
    let server = strict(|config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.probe.timeout = Duration::from_secs(20);
    });
    let body = format!(
        r#"{{"provider_ip":"127.0.0.1","ports":[{},{}],"challenge":"0123456789abcdef"}}"#,
        open.port(),
        silent.port()
    );
    let request = format!(
        "POST /check-ports HTTP/1.1\r\nHost: test\r\n{JSON}X-Forwarded-For: 192.0.2.1\r\n\
         Accept: application/x-ndjson\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = connect(server.address);
    client.write_all(request.as_bytes()).expect("the server reads");
    let mut lines = BufReader::new(client).lines();
    let judged = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("accessible")));
    assert!(judged.is_some(), "the open port is judged while the silent one is tried");
    drop(lines);
    wait_until("the surplus of one port is back", || {
        let then = ask_as(&server, "192.0.2.1", "127.0.0.1", 0..0);
        then.header("ratelimit").is_some_and(|left| left.starts_with(r#""caller";r=6;"#))
    });
}

#[test]
fn a_request_refused_for_another_reason_costs_nothing() {
    let server = strict(|config| {
        config.max_ports = 8;
        config.policy.denied = vec!["127.0.0.9/32".parse().unwrap()];
    });
    let refused = [
        (r#"{"ports":[1,2,3,0]}"#, 422, "a bad port"),
        (r#"{"ports":[1,2,3,4,5,6,7,8,9]}"#, 422, "too many"),
        (r#"{"provider_ip":"127.0.0.9","ports":[1,2,3]}"#, 403, "a denied target"),
        (r#"{"provider_ip":"224.0.0.1","ports":[1,2,3]}"#, 403, "a special target"),
    ];
    for (body, status, why) in refused {
        let answer = check_ports(server.address, body);
        assert_eq!(answer.status, status, "{why}: {answer:?}");
        assert_eq!(answer.header("ratelimit"), None, "{why}");
    }
    assert_eq!(ask(&server, "127.0.0.1", 1..7).status, 200, "the whole allowance is there");
}

#[test]
fn without_limits_there_are_no_headers() {
    let server = strict(|config| {
        config.limits.caller.per_minute = 0;
        config.limits.target.per_minute = 0;
    });
    for _ in 0..5 {
        let answer = ask(&server, "127.0.0.1", 1..9);
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    }
}

#[test]
fn a_forged_header_changes_neither_caller_nor_limits() {
    let server = strict(|_| {});
    let open = Listening::on(LOOPBACK);
    let body = format!(r#"{{"ports":[{}]}}"#, open.port());
    let mut client = connect(server.address);
    for left in (0..6).rev() {
        let forged = format!("X-Forwarded-For: 8.8.8.{left}\r\nForwarded: for=8.8.4.{left}\r\n");
        let answer = exchange(&mut client, &forged, &body).unwrap();
        assert_eq!(answer.json()["success"], true, "the real caller's port: {answer:?}");
        let standing = answer.header("ratelimit").unwrap();
        assert!(standing.contains(&format!(r#""target";r={left};"#)), "{standing}");
    }
    let answer = exchange(&mut client, "X-Forwarded-For: 9.9.9.9\r\n", &body).unwrap();
    assert_eq!(answer.status, 429);
}

#[test]
fn a_third_party_is_tried_less_often_where_it_is_dearer() {
    let silent = Silent::on(LOOPBACK);
    let (port, address) = (silent.port(), silent.address().ip());
    let body = format!(r#"{{"provider_ip":"{address}","ports":[{port}],"verbose":true}}"#);
    for (cost, attempts, why) in [(5, 2, "by default"), (1, 3, "no dearer than the caller's own")] {
        let server = Server::start_on("[::1]:0", |config| config.limits.third_party_cost = cost);
        let answer = check_ports(server.address, &body).json();
        assert_eq!(answer["results"][port.to_string()]["attempts"], attempts, "{why}: {answer}");
    }
}
