//! What the service writes to standard output.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    os::unix::fs::MetadataExt,
    process::Stdio,
};

use port_checker_testbed::{
    certificates::{Authority, Validity},
    http::{begin_check, check_ports, connect, exchange, get, metric},
    ports::{Held, LOOPBACK, Listening, Refusing, Silent},
    process::{Service, wait_until},
};

use crate::program::port_checker;

mod flood;
mod json;
mod strict;
mod targets;

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
    // They leave the budget of lines alone, too.
    for _ in 0..100 {
        get(service.address, "/health");
    }
    check_ports(service.address, r#"{"provider_ip":"224.0.0.1","ports":[1]}"#);
    let line = service.wait_for_line("caller=");
    for part in ["TARGET_NOT_ALLOWED", "status=403", "target=224.0.0.1", "ports=1", "multicast"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn what_fails_tells_why() {
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_DEADLINE", "0.1")];
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    let silent = Silent::on(LOOPBACK);
    let body = format!(r#"{{"ports":[{}]}}"#, silent.port());
    check_ports(service.address, &body);
    let line = service.wait_for_line("failed");
    for part in ["WARN", "CHECK_FAILED", "deadline passed", "target=127.0.0.1", "ports=1"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn what_the_client_abandons_is_told() {
    let mut service = Service::start(&mut port_checker(&["serve"], &QUICK));
    let silent = Silent::on(LOOPBACK);
    let client = begin_check(service.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    wait_until("somebody is dialled", || {
        metric(service.address, "port_checker_probes_in_flight ") > 0.0
    });
    drop(client);
    let line = service.wait_for_line("abandoned");
    for part in ["caller=127.0.0.1", "/check-ports", "target=127.0.0.1", "ports=1"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// The first line of the answer is read, and then the client hangs up.
#[test]
fn an_answer_that_the_client_abandons_halfway_is_no_success() {
    let settings = [QUICK.as_slice(), &[("PORT_CHECK_TIMEOUT", "20")]].concat();
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    let body = format!(r#"{{"ports":[{},{}]}}"#, open.port(), silent.port());
    let mut client = connect(service.address);
    let head = format!(
        "POST /check-ports HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Accept: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.write_all((head + &body).as_bytes()).unwrap();
    let mut lines = BufReader::new(&client).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains(r#""accessible":true"#)), "the first line arrives");
    drop(lines);
    drop(client);
    let line = service.wait_for_line("abandoned");
    for part in ["/check-ports", "target=127.0.0.1", "ports=2", "open=1"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// Nobody reads standard output once the service has told its address.
#[test]
fn a_log_that_nobody_reads_does_not_stop_the_service() {
    let mut command = port_checker(&["serve"], &QUICK);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let mut client = connect(address.parse().unwrap());
    for _ in 0..5_000 {
        assert_eq!(exchange(&mut client, "", r#"{"ports":[]}"#).unwrap().status, 200);
    }
    child.kill().unwrap();
    child.wait().unwrap();
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
fn a_path_does_not_control_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let odd = directory.path().join("c\u{1b}[31m\r\nforged \u{9b}2J");
    std::fs::create_dir(&odd).unwrap();
    let identity = Authority::new().issue(&["checker.example"], Validity::Now);
    let (certificate, key) = identity.write(&odd, "server");
    let settings = [
        ("PORT_CHECKER_TLS_CERT", certificate.to_str().unwrap()),
        ("PORT_CHECKER_TLS_KEY", key.to_str().unwrap()),
    ];
    let checked = port_checker(&["serve", "--check-config"], &settings).output().unwrap();
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    std::fs::remove_file(&certificate).unwrap();
    service.signal("HUP");
    let line = service.wait_for_line("keeping the certificate");
    for shown in [String::from_utf8_lossy(&checked.stdout).trim().replace('\n', ""), line] {
        assert!(!shown.contains(char::is_control), "{shown:?}");
        assert!(shown.contains(r"c\u{1b}[31m\r\nforged"), "{shown}");
    }
}

#[test]
fn misspelt_settings_are_pointed_out() {
    let settings = [("PORT_CHECKER_TARGTS", "caller"), ("PORT_CHECK_RETRIES", "1")];
    let command = &mut port_checker(&["serve"], &settings);
    let output = command.env("PORT_CHECKER_HOST", NOT_OURS).output().unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(log.contains("WARN") && log.contains("PORT_CHECKER_TARGTS"), "{log}");
}
