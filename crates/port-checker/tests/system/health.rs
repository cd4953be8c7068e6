//! `port-checker health`, as container runtimes run it.

use std::process::Command;

use port_checker_testbed::{
    certificates::{Authority, Validity},
    http::begin_check,
    ports::{Held, LOOPBACK, Refusing, Silent},
    process::{Running, Service, free_address},
};

use crate::program::port_checker;

fn asked(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("the program starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn it_asks_where_the_settings_say_that_the_service_listens() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Authority::new().issue(&["checker.example"], Validity::Now);
    let (certificate, key) = identity.write(directory.path(), "server");
    let tls = [
        ("PORT_CHECKER_TLS_CERT", certificate.to_str().unwrap()),
        ("PORT_CHECKER_TLS_KEY", key.to_str().unwrap()),
    ];
    for tls in [&[][..], &tls] {
        for host in ["127.0.0.1", "0.0.0.0", "::"] {
            let port = free_address().port();
            let place = [("PORT_CHECKER_HOST", host), ("PORT_CHECKER_PORT", &*port.to_string())];
            let settings = [&place, tls].concat();
            let (before, complaint) = asked(&mut port_checker(&["health"], &settings));
            assert_eq!(before, Some(1), "{host}: {complaint}");
            let address = ([127, 0, 0, 1], port).into();
            let _running = Running::start(&mut port_checker(&["serve"], &settings), address);
            let (meanwhile, complaint) = asked(&mut port_checker(&["health"], &settings));
            assert_eq!(meanwhile, Some(0), "{host}: {complaint}");
        }
    }
}

/// As `podman run … serve --port 9100` starts it, beside the health check of the image. A setting that
/// no other test has tells the one service from others of this machine.
#[test]
fn the_flags_of_the_one_service_with_the_same_environment_count() {
    let settings = |deadline| [("PORT_CHECKER_PORT", "1"), ("PORT_CHECK_DEADLINE", deadline)];
    let serve = |deadline| {
        let address = free_address();
        let port = address.port().to_string();
        let args = ["serve", "--host", "127.0.0.1", "--port", &port];
        Running::start(&mut port_checker(&args, &settings(deadline)), address)
    };
    let health = |deadline| asked(&mut port_checker(&["health"], &settings(deadline)));
    assert_eq!(health("123.4").0, Some(1), "there is none yet");
    let _first = serve("123.4");
    assert_eq!(health("123.4"), (Some(0), String::new()));
    assert_eq!(health("123.5").0, Some(1), "other settings are another service");
    let _second = serve("123.4");
    let (status, complaint) = health("123.4");
    assert_eq!(status, Some(1), "which of two is not known: {complaint}");
}

#[test]
fn a_service_that_shuts_down_is_not_ready() {
    let mut service = Service::start(&mut port_checker(
        &["serve"],
        &[("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_DEADLINE", "600")],
    ));
    let url = format!("http://{}", service.address);
    assert_eq!(asked(&mut port_checker(&["health", "--url", &url], &[])).0, Some(0));
    let silent = Silent::on(LOOPBACK);
    let _check = begin_check(service.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    service.signal("TERM");
    service.wait_for_line("shutting down");
    let (status, complaint) = asked(&mut port_checker(&["health", "--url", &url], &[]));
    assert_eq!(status, Some(1), "{complaint}");
    assert!(complaint.contains(&url), "{complaint}");
}

#[test]
fn another_server_is_not_healthy() {
    let refusing = format!("http://{}", Refusing::on(LOOPBACK).address());
    let (status, complaint) = asked(&mut port_checker(&["health", "--url", &refusing], &[]));
    assert_eq!(status, Some(1), "{complaint}");
    assert!(complaint.contains("the connection was refused"), "{complaint}");
    let unusable = [("PORT_CHECKER_PORT", "everything")];
    let (status, complaint) = asked(&mut port_checker(&["health"], &unusable));
    assert_eq!(status, Some(2), "{complaint}");
    assert!(complaint.contains("PORT_CHECKER_PORT"), "{complaint}");
    assert_eq!(asked(&mut port_checker(&["health", "--url", "ftp://nonsense"], &[])).0, Some(2));
}
