//! `POST /check-ports` against real ports.

use std::{net::IpAddr, time::Duration};

use port_checker_probe::Targets;
use port_checker_testbed::{
    http::check_ports,
    ports::{Held, Listening, Refusing, Silent},
};
use serde_json::json;

use crate::server::Server;

#[test]
fn the_answer_in_the_words_of_the_contract() {
    let server = Server::start(|_| {});
    for (ip, family) in [("127.0.0.1", "IPv4"), ("::1", "IPv6")] {
        let address: IpAddr = ip.parse().unwrap();
        let (open, closed) = (Listening::on(address), Refusing::on(address));
        let (open, closed) = (open.port().get(), closed.port().get());
        let asked = json!({"provider_ip": ip, "ports": [closed, open, closed]});
        let answer = check_ports(server.address, &asked.to_string());
        assert_eq!(answer.status, 200, "{family}: {answer:?}");
        let expected = format!(
            r#"{{"success":true,"results":{{"{closed}":{{"accessible":false,"error":"Connection refused"}},"{open}":{{"accessible":true,"error":null}}}},"message":"Successfully verified 1 out of 2 ports"}}"#
        );
        assert_eq!(String::from_utf8_lossy(&answer.body), expected, "{family}");
    }
}

#[test]
fn an_empty_list_is_answered_at_once() {
    let server = Server::start(|_| {});
    let answer = check_ports(server.address, r#"{"provider_ip":"127.0.0.1","ports":[]}"#);
    let expected = json!({"success": false, "results": {}, "message": "Successfully verified 0 out of 0 ports"});
    assert_eq!((answer.status, answer.json()), (200, expected));
}

#[test]
fn verbose_says_why_how_often_and_how_long() {
    let server = Server::start(|_| {});
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let (open, silent) = (Listening::on(loopback), Silent::on(loopback));
    let (open, silent) = (open.port().get().to_string(), silent.port().get().to_string());
    let body = format!(r#"{{"ports":[{open},{silent}],"verbose":true}}"#);
    let answer = check_ports(server.address, &body).json();
    let (open, silent) = (&answer["results"][open], &answer["results"][silent]);
    assert_eq!(open["reason"], json!(null));
    assert_eq!(open["attempts"], 1);
    assert!(open["connect_ms"].as_f64().unwrap() > 0.0, "some time passed: {open}");
    assert_eq!(silent["reason"], "timed_out");
    assert_eq!(silent["error"], "Connection timed out");
    assert_eq!(silent["attempts"], 3);
    assert!(silent["connect_ms"].as_f64().unwrap() >= 200.0, "the time-out: {silent}");
    for result in [open, silent] {
        assert_eq!(result["challenge"], json!(null), "none was asked");
        assert_eq!(result["icmp"], json!(null), "no router sent an ICMP message");
        assert_eq!(result.as_object().unwrap().len(), 7, "{result}");
    }
}

#[test]
fn without_an_address_the_callers_own_is_checked() {
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let open = Listening::on(loopback);
    for listen in ["127.0.0.1:0", "[::]:0"] {
        let server = Server::start_on(listen, |config| config.policy.targets = Targets::Caller);
        let over_ipv4 = (loopback, server.address.port()).into();
        for body in [
            format!(r#"{{"ports":[{}]}}"#, open.port()),
            format!(r#"{{"provider_ip":null,"ports":[{}]}}"#, open.port()),
        ] {
            let answer = check_ports(over_ipv4, &body);
            assert_eq!(answer.json()["success"], true, "{listen} {body}: {answer:?}");
        }
    }
}

#[test]
fn a_refusal_of_the_policy_names_the_setting_that_admits_the_target() {
    let server = Server::start(|config| {
        config.policy.allow_local = false;
        config.policy.denied = vec!["9.9.9.9/32".parse().unwrap()];
        config.policy.ports = "1024-65535".parse().unwrap();
    });
    let cases = [
        (r#"{"ports":[2000]}"#, "PORT_CHECKER_ALLOW_LOCAL_IPS", "the caller is not exempt"),
        (r#"{"provider_ip":"::ffff:127.0.0.1","ports":[2000]}"#, "127.0.0.0/8", "mapped"),
        (r#"{"provider_ip":"192.0.2.1","ports":[2000]}"#, "PORT_CHECKER_ALLOWED_TARGETS", "docs"),
        (r#"{"provider_ip":"9.9.9.9","ports":[2000]}"#, "PORT_CHECKER_DENIED_TARGETS", "denied"),
        (r#"{"provider_ip":"8.8.8.8","ports":[2000,22]}"#, "port 22", "a port"),
        (r#"{"provider_ip":"::1","ports":[]}"#, "::1/128", "even without ports"),
    ];
    for (body, named, why) in cases {
        let answer = check_ports(server.address, body);
        assert_eq!((answer.status, answer.code().as_str()), (403, "TARGET_NOT_ALLOWED"), "{why}");
        assert!(answer.message().contains(named), "{why}: {}", answer.message());
    }
}

#[test]
fn a_deadline_that_passes_is_the_checkers_fault() {
    let server = Server::start(|config| {
        config.probe.timeout = Duration::from_secs(30);
        config.deadline = Duration::from_millis(100);
    });
    let silent = Silent::on("127.0.0.1".parse().unwrap());
    let answer = check_ports(server.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
    assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok()));
    assert!(answer.message().contains("says nothing about the target"), "{}", answer.message());
}

#[test]
fn a_client_that_hangs_up_stops_its_probes() {
    let server = Server::start(|config| {
        config.max_in_flight = 1;
        config.probe.timeout = Duration::from_secs(20);
    });
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let (silent, open) = (Silent::on(loopback), Listening::on(loopback));
    let hanging = server.begin_check(&silent);
    drop(hanging);
    let answer = check_ports(server.address, &format!(r#"{{"ports":[{}]}}"#, open.port()));
    assert_eq!(answer.json()["success"], true, "the one socket is free again: {answer:?}");
}
