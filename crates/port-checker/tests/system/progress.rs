//! What `verify` and `check` show while they work, what `--wait` tells, and what Ctrl-C leaves.

use std::{
    net::TcpListener,
    process::{Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use port_checker_testbed::{
    http::metric,
    ports::{Held, LOOPBACK, Listening, Refusing, Silent, unused},
    process::{Service, wait_until},
};
use serde_json::Value;

use crate::{
    program::{PORT_CHECKER, configure, port_checker},
    terminal::Terminal,
};

/// How long the command may go on after a signal: less than a checker is waited for.
const END_TIMEOUT: Duration = Duration::from_secs(15);

/// A checker that waits so many seconds for a silent port.
fn service(timeout: &str) -> Service {
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECK_TIMEOUT", timeout),
        ("PORT_CHECK_DEADLINE", "60"),
    ];
    Service::start(&mut port_checker(&["serve"], &settings))
}

/// The report behind the last line of progress, which is removed.
fn report(shown: &str) -> &str {
    let report = shown.rsplit("\u{1b}[2K").next().unwrap_or_default();
    report.trim_start_matches(['\r', '\n'])
}

/// The seconds that are shown behind a text, each time that it is shown.
fn seconds(shown: &str, behind: &str) -> Vec<u32> {
    let number = |rest: &str| rest.split_once(" s").and_then(|(number, _)| number.parse().ok());
    shown.split(behind).skip(1).filter_map(number).collect()
}

fn end_by_ctrl_c(mut terminal: Terminal) -> (ExitStatus, String) {
    terminal.press_ctrl_c();
    let began = Instant::now();
    let (status, shown) = terminal.finish();
    assert!(began.elapsed() < END_TIMEOUT, "{:?}: {shown:?}", began.elapsed());
    (status, shown)
}

#[test]
fn a_terminal_shows_what_is_waited_for_and_how_long_at_most() {
    let service = service("2");
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    let (open, silent) = (open.port(), silent.port());
    let arguments =
        format!("check 127.0.0.1 {open} {silent} --server {} --timeout 20", service.address);
    let mut terminal = Terminal::run(&arguments, &[]);
    terminal.wait_for("1 of 2 answers, 1 open, ");
    terminal.wait_for("waiting for 1 port, up to ");
    terminal.wait_for(&format!(" s more: {silent}"));
    let (status, shown) = terminal.finish();
    let (elapsed, left) = (seconds(&shown, "1 open, "), seconds(&shown, "up to "));
    assert!(elapsed.is_sorted() && elapsed.last() > elapsed.first(), "{elapsed:?}");
    assert!(left.is_sorted_by(|now, later| now >= later) && left.first() > left.last(), "{left:?}");
    assert!(left.iter().all(|left| (15..=20).contains(left)), "{left:?}");
    assert_eq!(status.code(), Some(1), "{shown:?}");
    assert!(report(&shown).ends_with("IPv4: 1 of 2 ports open to the checker.\r\n"), "{shown:?}");
}

/// A checker that tells the address of this machine also tells how long a silent port takes.
#[test]
fn a_checker_is_waited_for_as_long_as_it_says_that_it_takes() {
    let service = service("2");
    let silent = Silent::on(LOOPBACK);
    let arguments = format!("verify {} --server {} --family 4", silent.port(), service.address);
    let (_, shown) = Terminal::run(&arguments, &[]).finish();
    let left = seconds(&shown, "waiting for 1 port, up to ");
    assert!(left.first().is_some_and(|left| (2..=3).contains(left)), "{left:?}: {shown:?}");
}

/// Nobody on the Internet was asked.
#[test]
fn only_the_internet_reaches() {
    let service = service("1");
    let (free, held) = (unused(1)[0], Listening::on(LOOPBACK));
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let deaf = format!("--server {} --timeout 0.2", deaf.local_addr().expect("a bound socket"));
    let server = format!("--server {}", service.address);
    let cases = [
        (format!("verify {free} --local --family 4"), "IPv4: 1 of 1 port usable here."),
        (format!("verify {free} {server} --family 4"), "IPv4: 1 of 1 port usable here."),
        (
            format!("check 127.0.0.1 {} {server}", held.port()),
            "IPv4: 1 of 1 port open to the checker.",
        ),
        (format!("check 127.0.0.1 {free} {deaf}"), "IPv4: no verdict about 1 port."),
        (format!("verify {free} {deaf} --ip 127.0.0.1"), "IPv4: no verdict about 1 port."),
    ];
    for (arguments, last) in cases {
        let words: Vec<_> = arguments.split(' ').collect();
        let Output { stdout, .. } = port_checker(&words, &[]).output().expect("it starts");
        let text = String::from_utf8(stdout).expect("text");
        assert_eq!(text.lines().last(), Some(last), "{arguments}: {text}");
        let (_, shown) = Terminal::run(&arguments, &[]).finish();
        let progress = shown.strip_suffix(report(&shown)).unwrap_or_default();
        assert!(progress.contains('⠁') && !progress.contains("reachable"), "{shown:?}");
    }
}

#[test]
fn waiting_tells_each_opening_and_nothing_else() {
    let service = service("1");
    let port = Refusing::on(LOOPBACK);
    let number = port.port();
    let arguments = ["check", "127.0.0.1", &number.to_string(), "--wait", "--server"];
    let mut command = Command::new(PORT_CHECKER);
    configure(command.args(arguments).arg(service.address.to_string()), &[]);
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let series = r#"port_checker_verdicts_total{family="ipv4",verdict="refused"}"#;
    wait_until("it has asked once", || metric(service.address, series) > 0.0);
    port.listen();
    let Output { status, stdout, stderr } = waiting.wait_with_output().expect("it ends");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(0), "{stdout}{stderr}");
    let seconds = stderr.strip_prefix(&format!("{number} opened after "));
    let seconds = seconds.and_then(|rest| rest.strip_suffix(" s\n")?.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (5..30).contains(&seconds)), "{stderr:?}");
    assert!(stdout.contains("1 of 1 port open to the checker."), "{stdout}");
}

#[test]
fn a_terminal_shows_the_ports_that_are_waited_for() {
    let service = service("1");
    let (open, port) = (Listening::on(LOOPBACK), Refusing::on(LOOPBACK));
    let number = port.port();
    let arguments =
        format!("check 127.0.0.1 {} {number} --wait --server {}", open.port(), service.address);
    let mut terminal = Terminal::run(&arguments, &[]);
    terminal.wait_for(" s (Ctrl-C ends this)");
    terminal.wait_for("not open after ");
    terminal.wait_for(&format!(" s: {number}"));
    port.listen();
    let (status, shown) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{shown:?}");
    let left = seconds(&shown, "trying again in ");
    assert!(left.is_sorted_by(|now, later| now >= later) && left.first() > left.last(), "{left:?}");
    assert!(left.iter().all(|left| *left <= 5), "{left:?}");
    assert!(shown.contains(&format!("{number} opened after ")), "{shown:?}");
    assert!(!shown.contains(&format!("{} opened", open.port())), "it was open before: {shown:?}");
}

/// The program listens over one family until it is told to.
#[test]
fn an_opening_over_one_of_two_families() {
    let held = Listening::on(LOOPBACK);
    let port = held.port();
    let mut terminal = Terminal::run(&format!("verify {port} --local --wait"), &[]);
    terminal.wait_for("not open over IPv6 after ");
    terminal.wait_for(&format!(" s: {port}"));
    let _other = TcpListener::bind(("::1", port.get())).expect("nobody listens during the pause");
    let (status, shown) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{shown:?}");
    assert!(shown.contains(&format!("{port} opened over IPv6 after ")), "{shown:?}");
    assert!(!shown.contains("opened over IPv4"), "it was open before: {shown:?}");
}

#[test]
fn ctrl_c_reports_the_ports_that_are_judged() {
    let service = service("50");
    let silent = Silent::on(LOOPBACK);
    let (listening, free) = (Listening::on(LOOPBACK), unused(1)[0]);
    let server = format!("--server {}", service.address);
    let cases = [
        (format!("check 127.0.0.1 {} {} {server}", listening.port(), silent.port()), "reachable"),
        (
            format!("verify {free} {} {server} --ip 127.0.0.1", silent.port()),
            "reachable, proven ours",
        ),
    ];
    for (arguments, open) in cases {
        let mut terminal = Terminal::run(&arguments, &[("NO_COLOR", "1")]);
        terminal.wait_for("1 of 2 answers, 1 open");
        let (status, shown) = end_by_ctrl_c(terminal);
        assert_eq!(status.code(), Some(130), "{arguments}: {shown:?}");
        let report = report(&shown);
        assert!(report.contains(&format!("  {open}\r\n")), "{arguments}: {shown:?}");
        assert!(report.contains("no verdict"), "{arguments}: {shown:?}");
        assert!(report.contains("Interrupted: "), "{arguments}: {shown:?}");
        assert!(report.contains("no verdict about 1.\r\n"), "{arguments}: {shown:?}");
    }
}

#[test]
fn ctrl_c_while_the_address_is_asked_for() {
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = format!("--server {}", deaf.local_addr().expect("a bound socket"));
    let free = unused(1)[0];
    let mut terminal = Terminal::run(&format!("verify {free} {server}"), &[]);
    terminal.wait_for("asking for our address, up to 30 s more");
    let (status, shown) = end_by_ctrl_c(terminal);
    assert_eq!(status.code(), Some(130), "{shown:?}");
    assert!(report(&shown).contains("Interrupted: "), "{shown:?}");
}

#[test]
fn ctrl_c_between_two_tries_reports_the_last_one() {
    let service = service("1");
    let port = Refusing::on(LOOPBACK);
    let arguments = format!("check 127.0.0.1 {} --wait --server {}", port.port(), service.address);
    let mut terminal = Terminal::run(&arguments, &[]);
    terminal.wait_for("trying again in");
    let (status, shown) = end_by_ctrl_c(terminal);
    assert_eq!(status.code(), Some(130), "{shown:?}");
    assert!(report(&shown).ends_with("IPv4: 0 of 1 port open to the checker.\r\n"), "{shown:?}");
    assert!(!report(&shown).contains("Interrupted"), "nothing is missing: {shown:?}");
}

#[test]
fn ctrl_c_in_a_later_try_reports_the_one_before() {
    let service = service("2");
    let silent = Silent::on(LOOPBACK);
    let port = silent.port();
    let arguments = format!("check 127.0.0.1 {port} --wait --server {}", service.address);
    let mut terminal = Terminal::run(&arguments, &[("NO_COLOR", "1")]);
    terminal.wait_for("trying again in ");
    terminal.wait_for("waiting for 1 port");
    terminal.wait_for("not open after ");
    terminal.wait_for(&format!(" s: {port}"));
    let (status, shown) = end_by_ctrl_c(terminal);
    assert_eq!(status.code(), Some(130), "{shown:?}");
    assert!(report(&shown).contains(&format!("{port}  timed out\r\n")), "{shown:?}");
    let words = "Interrupted: this is the report of the last try that was finished.\r\n";
    assert!(report(&shown).contains(words), "{shown:?}");
}

#[test]
fn an_interrupted_json_document() {
    let service = service("50");
    let silent = Silent::on(LOOPBACK);
    let (port, server) = (silent.port().to_string(), service.address.to_string());
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let mut command =
            port_checker(&["check", "127.0.0.1", &port, "--json", "--server", &server], &[]);
        let asking = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let probes = || metric(service.address, "port_checker_probes_in_flight");
        wait_until("the port is probed", || probes() > 0.0);
        let sent = Command::new("kill").args([signal, &asking.id().to_string()]).status();
        assert!(sent.expect("kill(1)").success());
        let began = Instant::now();
        let Output { status, stdout, .. } = asking.wait_with_output().expect("it ends");
        assert!(began.elapsed() < END_TIMEOUT, "{signal}: {:?}", began.elapsed());
        assert_eq!(status.code(), Some(expected));
        let document: Value = serde_json::from_slice(&stdout).expect("one JSON document");
        assert_eq!(document["notices"][0]["kind"], "interrupted", "{document:#}");
        assert_eq!(document["families"][0]["ports"][0]["verdict"], "no_verdict", "{document:#}");
        wait_until("the checker has noticed", || probes() == 0.0);
    }
}
