//! What an operator can watch.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use port_checker_testbed::{
    http::{check_ports, get, metric},
    ports::{Held, LOOPBACK, Listening, Refusing, Silent},
    process::{Service, free_address},
    skip,
};

use crate::program::port_checker;

const SETTINGS: [(&str, &str); 3] = [
    ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
    ("PORT_CHECK_RETRIES", "1"),
    ("PORT_CHECKER_REDIS_URL", "redis://127.0.0.1:1"),
];

#[test]
fn events_are_counted() {
    let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
    let (open, closed) = (Listening::on(LOOPBACK), Refusing::on(LOOPBACK));
    check_ports(service.address, &format!(r#"{{"ports":[{},{}]}}"#, open.port(), closed.port()));
    check_ports(service.address, r#"{"ports":[0]}"#);
    get(service.address, "/no/such/route/anywhere");
    let expected = [
        (r#"port_checker_requests_total{route="/check-ports",status="200"}"#, 1.0),
        (r#"port_checker_requests_total{route="/check-ports",status="422"}"#, 1.0),
        (r#"port_checker_requests_total{route="none",status="404"}"#, 1.0),
        (r#"port_checker_verdicts_total{family="ipv4",verdict="open"}"#, 1.0),
        (r#"port_checker_verdicts_total{family="ipv4",verdict="refused"}"#, 1.0),
        (r#"port_checker_verdicts_total{family="ipv6",verdict="timed_out"}"#, 0.0),
        ("port_checker_probe_duration_seconds_count ", 2.0),
        ("port_checker_probes_in_flight ", 0.0),
        ("port_checker_requests_waiting ", 0.0),
        (r#"port_checker_limiter_decisions_total{decision="admitted",limit="caller"}"#, 1.0),
        (r#"port_checker_faults_total{kind="descriptors"}"#, 0.0),
        ("port_checker_redis_up ", 0.0),
        (r#"port_checker_request_duration_seconds_count{route="/check-ports"}"#, 2.0),
        (r#"port_checker_request_duration_seconds_count{route="none"}"#, 1.0),
        (&build_info(), 1.0),
    ];
    for (series, value) in expected {
        assert_eq!(metric(service.address, series), value, "{series}");
    }
    assert!(metric(service.address, "port_checker_probes_in_flight_limit ") > 0.0);
    assert!(metric(service.address, "port_checker_connections_limit ") > 16.0);
    assert!(metric(service.address, "process_resident_memory_bytes ") > 0.0);
}

/// Where the builder does not say it, the repository knows the revision.
fn build_info() -> String {
    let git = || Command::new("git").args(["rev-parse", "HEAD"]).output().ok();
    let of_git = || git().filter(|git| git.status.success()).map(|git| git.stdout);
    let text = |stdout: Vec<u8>| String::from_utf8_lossy(&stdout).trim().to_owned();
    let given = std::env::var("SOURCE_REVISION").ok().filter(|revision| !revision.is_empty());
    let revision = given.or_else(|| of_git().map(text)).unwrap_or_else(|| "unknown".to_owned());
    let version = env!("CARGO_PKG_VERSION");
    format!(r#"port_checker_build_info{{revision="{revision}",version="{version}"}}"#)
}

/// With a time-out that is not the default.
#[test]
fn the_longest_durations_have_a_bucket() {
    let settings = [SETTINGS[0], SETTINGS[1], ("PORT_CHECK_TIMEOUT", "0.3")];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let silent = Silent::on(LOOPBACK);
    check_ports(service.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    for (name, labels) in [
        ("port_checker_probe_duration_seconds", ""),
        ("port_checker_request_duration_seconds", r#"route="/check-ports","#),
    ] {
        let bucket =
            |le: &str| metric(service.address, &format!("{name}_bucket{{{labels}le=\"{le}\"}}"));
        assert_eq!(bucket("0.27"), 0.0, "{name}: before the time-out");
        assert_eq!(bucket("+Inf"), 1.0, "{name}");
        // A machine that is busy may be late, but not by seconds: the deadline is 25.
        let text = String::from_utf8(get(service.address, "/metrics").body).unwrap();
        let ends = text.lines().filter(|line| line.starts_with(&format!("{name}_bucket")));
        let ends: Vec<&str> = ends.map(|line| line.split("le=\"").nth(1).unwrap()).collect();
        assert!(ends.iter().any(|end| end.starts_with("0.33\"")), "{name}: {ends:?}");
    }
    assert!(get(service.address, "/metrics").body.len() < 100_000, "not too many series");
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    if !skip::has("promtool", "--version") {
        return;
    }
    let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
    check_ports(service.address, r#"{"ports":[1]}"#);
    let metrics = get(service.address, "/metrics");
    assert!(metrics.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    let pipe = || Stdio::piped();
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(pipe()).stdout(pipe()).stderr(pipe());
    let mut child = promtool.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&metrics.body).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "silent: {output:?}");
}

#[test]
fn with_an_address_of_their_own_they_are_nowhere_else() {
    let address = free_address();
    let own = address.to_string();
    let settings = [SETTINGS.as_slice(), &[("PORT_CHECKER_METRICS_ADDR", &own)]].concat();
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    assert_eq!(get(service.address, "/metrics").status, 404);
    assert_eq!(get(address, "/metrics").status, 200);
    assert_eq!(get(address, "/check-ports").status, 404);
    service.signal("TERM");
    assert_eq!(service.exit_status().code(), Some(0));
}
