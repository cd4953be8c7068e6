//! What the service writes to standard output.

use std::{fs::File, os::unix::fs::MetadataExt};

use port_checker_testbed::{
    http::{check_ports, get},
    ports::{Held, Listening, Refusing},
    process::Service,
};

use crate::program::port_checker;

const LOOPBACK: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// An address of no machine (RFC 5737): the service starts, warns, and cannot listen.
const NOT_OURS: &str = "203.0.113.1";
const QUICK: [(&str, &str); 2] =
    [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_RETRIES", "1")];

#[test]
fn one_line_a_check() {
    let mut service = Service::start(&mut port_checker(&["serve"], &QUICK));
    let (open, closed) = (Listening::on(LOOPBACK), Refusing::on(LOOPBACK));
    let body = format!(r#"{{"ports":[{},{}]}}"#, open.port(), closed.port());
    let id = check_ports(service.address, &body).header("x-request-id").unwrap().to_owned();
    let line = service.wait_for_line("checked");
    for part in [
        "INFO",
        &id,
        "caller=127.0.0.1",
        "target=127.0.0.1",
        "ports=2",
        "open=1",
        "refused=1",
        "duration_ms=",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("timed_out") && !line.contains('\x1b'), "nothing idle: {line}");
}

#[test]
fn refusals_tell_their_code_and_health_checks_are_silent() {
    let mut service = Service::start(&mut port_checker(&["serve"], &QUICK));
    get(service.address, "/health");
    check_ports(service.address, r#"{"provider_ip":"224.0.0.1","ports":[1]}"#);
    let line = service.wait_for_line("caller=");
    assert!(line.contains("TARGET_NOT_ALLOWED") && line.contains("status=403"), "{line}");
}

#[test]
fn debug_logs_each_port() {
    let settings = [QUICK.as_slice(), &[("PORT_CHECKER_DEBUG", "true")]].concat();
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    let closed = Refusing::on(LOOPBACK);
    check_ports(service.address, &format!(r#"{{"ports":[{}]}}"#, closed.port()));
    let line = service.wait_for_line("judged");
    for part in ["DEBUG", &format!("port={}", closed.port()), "refused", "attempts=1"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn json_on_request() {
    let settings = [QUICK.as_slice(), &[("PORT_CHECKER_LOG_FORMAT", "json")]].concat();
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    check_ports(service.address, r#"{"ports":[]}"#);
    let line: serde_json::Value =
        serde_json::from_str(&service.wait_for_line("checked")).expect("a JSON object");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["ports"], 0);
    assert_eq!(line["caller"], "127.0.0.1");
}

#[test]
fn the_journal_gets_a_level_and_no_time() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output: File = file.reopen().unwrap();
    let about = output.metadata().unwrap();
    let journal = format!("{}:{}", about.dev(), about.ino());
    let settings = [
        ("JOURNAL_STREAM", &*journal),
        ("PORT_CHECKER_TARGETS", "any"),
        ("PORT_CHECKER_HOST", NOT_OURS),
    ];
    let status = port_checker(&["serve"], &settings).stdout(output).status().unwrap();
    assert_eq!(status.code(), Some(1), "cannot listen on {NOT_OURS}");
    let log = std::fs::read_to_string(file.path()).unwrap();
    assert!(log.starts_with("<4>PORT_CHECKER_TARGETS=any"), "{log:?}");
}

#[test]
fn misspelt_settings_are_pointed_out() {
    let settings = [("PORT_CHECKER_TARGTS", "caller"), ("PORT_CHECK_RETRIES", "1")];
    let command = &mut port_checker(&["serve"], &settings);
    let output = command.env("PORT_CHECKER_HOST", NOT_OURS).output().unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(log.contains("WARN") && log.contains("PORT_CHECKER_TARGTS"), "{log}");
}
