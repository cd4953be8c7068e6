//! `port-checker verify --every`.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use port_checker_testbed::{
    datagrams,
    ports::unused,
    process::{Service, wait_until},
    skip,
};
use serde_json::Value;

use crate::program::{port_checker, repository};
use watch::{Door, TEXTFILE, Watch};

mod clock;
mod ends;
mod failures;
mod watch;

/// What the tests set for every command.
const SETTINGS: [&str; 2] = ["PORT_CHECKER_HOST", "PORT_CHECKER_PORT"];

fn checker(port: u16) -> Service {
    let port = port.to_string();
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_PORT", &port),
    ];
    Service::start(&mut port_checker(&["serve"], &settings))
}

/// The text of the file for the node exporter, of a machine with an open port.
pub(crate) fn textfile_of_a_machine() -> String {
    let service = checker(0);
    let watch = Watch::of(&unused(1)[0].to_string(), service.address);
    watch.wait_for(TEXTFILE, 1, "port_checker_verify_reachable");
    watch.file(TEXTFILE)
}

#[test]
fn the_transport_is_told_to_everybody() {
    let (service, port) = (checker(0), datagrams::unused(1)[0]);
    let watch = Watch::of(&format!("{port}/udp"), service.address);
    let sample =
        format!(r#"port_checker_verify_reachable{{family="ipv4",port="{port}",transport="udp"}}"#);
    watch.wait_for(TEXTFILE, 1, &format!("{sample} 1"));
    drop(service);
    watch.wait_for("told", 1, "0>3");
    assert!(watch.file("told").contains(&format!(" no_verdict={port}/udp ")));
}

#[test]
fn a_port_that_opens_and_closes_is_told_to_everybody() {
    let (service, door) = (checker(0), Door::new());
    let port = door.port;
    let watch = Watch::of(&port.to_string(), service.address);
    let sample =
        format!(r#"port_checker_verify_reachable{{family="ipv4",port="{port}",transport="tcp"}}"#);
    watch.wait_for("told", 1, ">1");
    assert_eq!(watch.samples(&sample), [format!("{sample} 0")]);
    for (count, status, value) in [(2, "1>0", 1), (3, "0>1", 0), (4, "1>0", 1)] {
        if value == 1 {
            door.open()
        } else {
            door.close()
        }
        wait_until("the command is run", || watch.file("told").lines().count() >= count);
        assert!(watch.file("told").lines().last().unwrap().starts_with(status));
        assert_eq!(watch.samples(&sample), [format!("{sample} {value}")]);
    }
    watch.wait_for_rounds(1);
    let told = watch.file("told");
    let lines: Vec<_> = told.lines().collect();
    let open = format!(" reachable={port} unreachable= no_verdict= ip=127.0.0.1");
    let closed = format!(" reachable= unreachable={port} no_verdict= ip=127.0.0.1");
    let expected = [(">1", &closed), ("1>0", &open), ("0>1", &closed), ("1>0", &open)];
    assert_eq!(lines, expected.map(|(status, ports)| format!("{status}{ports}")));
    let out = watch.file("out");
    let news =
        format!(" IPv4: 0 of 1 port usable here. Changed: {port} no longer reachable over IPv4.");
    assert!(out.lines().any(|line| line.ends_with(&news)), "{out}");
    assert!(out.lines().any(|line| line.ends_with("Z IPv4: 1 of 1 port usable here.")), "{out}");
    assert_eq!(out.matches("\nIPv4 127.0.0.1\n").count(), 4, "the report is for news: {out}");
    assert_eq!(watch.file("err"), "");
}

#[test]
fn promtool_takes_the_textfile_and_the_node_exporter_may_read_it() {
    let (service, door) = (checker(0), Door::new());
    let watch = Watch::of(&format!("{},{}", door.port, unused(1)[0]), service.address);
    watch.wait_for(TEXTFILE, 2, "port_checker_verify_reachable");
    let path = watch.directory.path().join(TEXTFILE);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "whatever the umask");
    watch.wait_for_rounds(2);
    let named = |name: &str| name.starts_with(".port-checker-");
    let left = || {
        let entries = fs::read_dir(watch.directory.path()).unwrap();
        entries.filter(|it| named(&it.as_ref().unwrap().file_name().to_string_lossy())).count()
    };
    wait_until("no temporary file is left", || left() == 0);
    assert_eq!(watch.sample("status"), 1.0);
    assert_eq!(watch.sample("interval_seconds"), 1.0);
    assert!((0.0..60.0).contains(&watch.sample("duration_seconds")));
    if !skip::has("promtool", "--version") {
        return;
    }
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(fs::File::open(&path).unwrap());
    let output = promtool.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn every_metric_and_every_variable_is_in_the_book() {
    let (service, door) = (checker(0), Door::new());
    let (url, port) = (format!("http://{}", service.address), door.port.to_string());
    let tell = ["--exec=env >environment", "--textfile", TEXTFILE];
    let arguments = [&port, "--server", &url, "--local", "--every=1s"];
    let watch = Watch::start(&[&arguments[..], &tell].concat());
    watch.wait_for("environment", 1, "PORT_CHECKER_STATUS=1");
    watch.wait_for_rounds(1);
    let (text, environment) = (watch.file(TEXTFILE), watch.file("environment"));
    let metrics = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let variables = environment.lines().filter_map(|line| Some(line.split_once('=')?.0));
    let of_exec = |name: &&str| name.starts_with("PORT_CHECK") && !SETTINGS.contains(name);
    let names: Vec<&str> = metrics.chain(variables.filter(of_exec)).collect();
    assert_eq!(names.len(), 6 + 6, "{names:?}");
    let book = fs::read_to_string(repository("docs/watching.md")).unwrap();
    for name in names {
        let rows = [format!("| `{name}` |"), format!("| `{name}{{")];
        assert!(rows.iter().any(|row| book.contains(row)), "{name}");
    }
}

#[test]
fn a_first_round_in_which_all_is_well_runs_no_command() {
    let service = checker(0);
    let watch = Watch::of(&unused(1)[0].to_string(), service.address);
    watch.wait_for_rounds(2);
    assert_eq!((watch.file("told"), watch.file("err")), Default::default());
    assert!(watch.file("out").contains("reachable, proven ours"), "{}", watch.file("out"));
}

#[test]
fn a_round_in_json_is_a_line() {
    let (service, door) = (checker(0), Door::new());
    let (url, port) = (format!("http://{}", service.address), door.port.to_string());
    let watch = Watch::start(&[&port, "--server", &url, "--local", "--every=1s", "--json"]);
    let lines = || watch.file("out").lines().count();
    wait_until("two rounds end", || lines() >= 2);
    door.open();
    let changed = |line: &str| {
        let round: Value = serde_json::from_str(line).ok()?;
        round["changes"]["ports"].as_array().is_some_and(|it| !it.is_empty()).then_some(round)
    };
    wait_until("a change is told", || watch.file("out").lines().any(|it| changed(it).is_some()));
    let out = watch.file("out");
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!((&first["status"], &first["changes"]), (&1.into(), &Value::Null), "{first:#}");
    assert_eq!(first["outcome"], "not_accessible");
    assert!(first["time"].as_str().unwrap().ends_with('Z'), "{first:#}");
    let news = out.lines().find_map(changed).unwrap();
    let port: u64 = door.port.into();
    let expected = serde_json::json!({
        "ports": [{"family": "ipv4", "port": port, "transport": "tcp", "reachable": true, "before": false}],
        "addresses": [],
        "status": {"status": 0, "before": 1},
    });
    assert_eq!(news["changes"], expected);
    assert_eq!(news["families"][0]["ports"][0]["verdict"], "reachable");
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let (service, port) = (checker(0), unused(1)[0].to_string());
    let url = format!("http://{}", service.address);
    let arguments = ["verify", &port, "--server", &url, "--local", "--every=1s"];
    let mut child = port_checker(&arguments, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("1 of 1"), "{line}");
    let mut status = None;
    wait_until("it ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(0), "the status of the last round");
}

#[test]
fn intervals_and_flags_that_cannot_be_used() {
    let interval = "expected a duration such as 90s, 15m or 1h, from 1s to 30days";
    let rows = [
        ("verify 1 --every 0s", interval),
        ("verify 1 --every 31d", interval),
        ("verify 1 --every 60", interval),
        ("verify 1 --every -5m", "'-5' found"),
        ("verify 1 --every 99999999999999999999y", interval),
        ("verify 1 --every 59s --server 203.0.113.1", "with 1 port expected 1m or more"),
        ("verify 1 --every 59s --server localhost.example", "expected 1m or more"),
        ("verify 1 --every 9s --server 127.0.0.1 --server 203.0.113.1", "expected 1m or more"),
        ("verify 1-1024 --every 2m --server 203.0.113.1", "with 1024 ports expected 3m 24s 800ms"),
        ("verify 1 --every 1s --server 127.0.0.1 --quorum 2", "a quorum of 2 cannot be reached"),
        ("verify 1 --every 15m --wait", "cannot be used with '--wait'"),
        ("verify 1 --exec true", "--every <DURATION>"),
        ("verify 1 --textfile a.prom", "--every <DURATION>"),
        ("verify 1 --every 15m --exec ", "a value is required"),
        ("check 127.0.0.1 1 --server a --every 15m", "unexpected argument '--every'"),
    ];
    for (arguments, expected) in rows {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let output = port_checker(&arguments, &[]).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
        assert!(complaint.contains(expected), "{arguments:?}: {complaint}");
    }
}
