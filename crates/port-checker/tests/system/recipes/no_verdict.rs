//! A recipe never takes it for "closed" that there is no verdict.

use std::{net::TcpListener, sync::atomic::Ordering, thread};

use port_checker_testbed::http::{JSON, check_ports};

use super::{ADDRESS, CLOSED, Machine, OPEN, PROGRAMS, Program, SILENT, lines};
use crate::by_hand::{answer, whole};

/// No verdict, and so neither 0 nor 1.
const NO_VERDICT: Option<i32> = Some(3);

/// The most requests that a recipe makes.
const MAX_REQUESTS: usize = 5;

/// A checker at which nothing listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// One probe at once, and another one six seconds later.
const LIMITS: [(&str, &str); 2] =
    [("PORT_CHECKER_RATE_PER_MINUTE", "10"), ("PORT_CHECKER_RATE_BURST", "1")];

/// A verdict about another port than was asked.
const OTHER: &str = r#"{"1":{"accessible":true,"error":null}}"#;

/// Answers that are no verdict about the open port, and the reason.
fn answers() -> Vec<(&'static str, String)> {
    let ok = |body: &str| whole("200 OK", "Content-Type: application/x-ndjson\r\n", body);
    let other = r#"{"port":1,"accessible":true,"error":null}"#;
    let sum = r#"{"success":false,"results":{},"message":""}"#;
    let status = |status: &str, headers: &str| whole(status, headers, "oops");
    let date = "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n";
    vec![
        ("a page of a portal", ok("<html>Log in</html>\n")),
        ("nothing", ok("")),
        ("no object", ok("[]\n")),
        ("null", ok("null\n")),
        ("no JSON", ok("{\"accessible\n")),
        ("nested too deeply", ok(&format!("{}\n", "[".repeat(100_000)))),
        ("a line without an end", ok(&"x".repeat(1_000_000))),
        ("another port", ok(&format!("{other}\n{sum}\n"))),
        ("a verdict that is no boolean", ok("{\"port\":7466,\"accessible\":\"yes\"}\n")),
        ("one of another port in JSON", ok(&format!("{}\n", sum.replace("{}", OTHER)))),
        ("the sum alone", ok(&format!("{sum}\n"))),
        ("cut off", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_owned()),
        ("a failure", status("500 Internal Server Error", "")),
        ("a redirection", status("301 Moved Permanently", "Location: /nowhere\r\n")),
        ("no HTTP", "SSH-2.0-OpenSSH\r\n".to_owned()),
        ("busy for an hour", status("503 Service Unavailable", "Retry-After: 3600\r\n")),
        ("busy for longer than numbers", status("503 Busy", &retry_after(&"9".repeat(5000)))),
        ("busy until a date", status("429 Too Many Requests", date)),
    ]
}

fn retry_after(value: &str) -> String {
    format!("Retry-After: {value}\r\n")
}

#[test]
fn the_python_recipe_takes_nothing_else_for_a_verdict() {
    takes_nothing_else_for_a_verdict(PROGRAMS[0]);
}

#[test]
fn the_node_recipe_takes_nothing_else_for_a_verdict() {
    takes_nothing_else_for_a_verdict(PROGRAMS[1]);
}

#[test]
fn the_script_for_several_ports_takes_nothing_else_for_a_verdict() {
    takes_nothing_else_for_a_verdict(PROGRAMS[2]);
}

fn takes_nothing_else_for_a_verdict(program: Program) {
    let Some(machine) = Machine::new() else { return };
    for (name, text) in answers() {
        let listener = listener(&machine);
        let url = url(&listener);
        answer(listener, move |_| text.clone());
        let output = machine.run(program, &url, &[OPEN]);
        assert_eq!(output.status.code(), NO_VERDICT, "{name}: {output:?}");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!printed.contains("not reachable"), "{name}: {output:?}");
    }
}

/// It asks about one port by the path, so that an answer about another port does not occur.
#[test]
fn the_script_for_one_port_takes_nothing_else_for_a_verdict() {
    let Some(machine) = Machine::new() else { return };
    for (name, text) in answers().into_iter().filter(|(name, _)| !name.contains("another port")) {
        let listener = listener(&machine);
        let url = url(&listener);
        answer(listener, move |_| text.clone());
        let output = machine.shell(&format!("./check-port {url} {OPEN}"));
        assert_eq!(output.status.code(), NO_VERDICT, "{name}: {output:?}");
    }
}

fn listener(machine: &Machine) -> TcpListener {
    machine.network.within(|| TcpListener::bind("127.0.0.1:0").expect("a free port"))
}

fn url(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().expect("a bound socket"))
}

#[test]
fn a_checker_that_is_not_there_gives_no_verdict() {
    let Some(machine) = Machine::new() else { return };
    let one = machine.shell(&format!("./check-port {NOBODY} {OPEN}"));
    let several = PROGRAMS.map(|program| machine.run(program, NOBODY, &[OPEN]));
    for output in several.into_iter().chain([one]) {
        assert_eq!(output.status.code(), NO_VERDICT, "{output:?}");
    }
}

/// The checker fails after its first verdict, and says so in the stream.
#[test]
fn a_failure_after_the_first_verdict_leaves_the_others_without_one() {
    let Some(machine) = Machine::new() else { return };
    let (_checker, url) = machine.checker(&[("PORT_CHECK_DEADLINE", "2")]);
    for program in &PROGRAMS[..2] {
        let output = machine.run(*program, &url, &[OPEN, SILENT]);
        assert_eq!(output.status.code(), NO_VERDICT, "{output:?}");
        let expected = [format!("{SILENT} no verdict"), format!("{OPEN} open")];
        assert_eq!(lines(&output.stdout), expected, "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("CHECK_FAILED"), "{output:?}");
    }
}

#[test]
fn a_checker_that_limits_the_rate_is_asked_again_when_it_says() {
    let check = |program: Program| {
        let Some(machine) = Machine::new() else { return };
        let (mut checker, url) = machine.checker(&LIMITS);
        checker.address.set_ip(ADDRESS.parse().expect("an address"));
        let own = format!(r#"{{"ports":[{CLOSED}]}}"#);
        let spent = machine.network.within(|| check_ports(checker.address, &own));
        assert_eq!(spent.status, 200, "{spent:?}");
        let output = machine.run(program, &url, &[OPEN]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("429"), "{output:?}");
        let never = machine.run(program, &url, &[OPEN, CLOSED]);
        assert_eq!(never.status.code(), NO_VERDICT, "{never:?}");
    };
    thread::scope(|scope| {
        for program in PROGRAMS {
            scope.spawn(move || check(program));
        }
    });
}

#[test]
fn a_busy_checker_is_asked_a_few_times_and_no_more() {
    let Some(machine) = Machine::new() else { return };
    for program in PROGRAMS {
        let listener = listener(&machine);
        let url = url(&listener);
        let body = r#"{"detail":{"code":"OVERLOADED","message":"no capacity now"}}"#;
        let headers = JSON.to_owned() + &retry_after("1");
        let busy = whole("503 Service Unavailable", &headers, body);
        let requests = answer(listener, move |_| busy.clone());
        let output = machine.run(program, &url, &[OPEN]);
        assert_eq!(output.status.code(), NO_VERDICT, "{output:?}");
        let requests = requests.load(Ordering::Relaxed);
        assert!((2..=MAX_REQUESTS).contains(&requests), "{requests} requests: {output:?}");
    }
}

#[test]
fn wrong_usage_and_ports_in_use_are_neither_open_nor_closed() {
    let Some(machine) = Machine::new() else { return };
    let _in_use = machine.listener();
    for (program, recipe, _) in &PROGRAMS[..2] {
        for arguments in ["", NOBODY, "URL x", "URL 7466", "URL 70000"] {
            let arguments = arguments.replace("URL", NOBODY);
            let output = machine.shell(&format!("{program} ./{recipe} {arguments}"));
            assert_eq!(output.status.code(), Some(2), "{recipe} {arguments}: {output:?}");
        }
    }
}
