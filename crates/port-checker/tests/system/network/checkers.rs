//! Several checkers, some of them down, mistaken or lying.

use std::{ffi::OsStr, io::Write, net::TcpListener, thread};

use port_checker_testbed::{
    namespace::Namespace,
    process::{Running, Service},
    skip,
};
use serde_json::Value;

use crate::program::{PORT_CHECKER, configure};

use super::internet::{
    CHECKER, Internet, OTHER_CHECKER, Report, attach, forward, machine, masquerading_router, serve,
};

/// A provider behind a router that forwards, and two checkers to ask.
struct Home {
    provider: Namespace,
    router: Namespace,
    internet: Internet,
}

impl Home {
    fn new() -> Self {
        let internet = Internet::new();
        let (router, provider) = (masquerading_router(), machine());
        attach(&router, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
        attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
        forward(&router, "203.0.113.7", "7466-7467", "192.168.1.10");
        Self { provider, router, internet }
    }

    fn verify(&self, arguments: &str) -> Report {
        Report::of(&self.provider, &format!("verify {arguments}"))
    }

    fn ask_both(&self, arguments: &str) -> Report {
        self.verify(&format!("{arguments} --server {CHECKER} --server {OTHER_CHECKER}"))
    }
}

#[test]
fn one_checker_down() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let _checker = home.internet.serve();
    let report = home.ask_both("7466");
    assert_eq!(report.status, Some(0), "{}", report.text);
    let text = report.flowing();
    assert!(text.contains("7466 reachable, proven ours"), "{}", report.text);
    assert!(text.contains(&format!("A checker gave no verdict: cannot talk to {OTHER_CHECKER}")));
    let report = home.ask_both("7466 --quorum 2");
    assert_eq!(report.status, Some(3), "{}", report.text);
    assert!(report.flowing().contains("Only 1 checker gave a verdict where 2 must agree"));
}

#[test]
fn no_checker_gives_a_verdict() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let report = home.ask_both("7466");
    assert_eq!(report.status, Some(3), "{}", report.text);
    assert!(report.flowing().contains("No checker could be talked to"), "{}", report.text);
    let _pages = always(&home.internet.checker, "HTTP/1.1 502 Bad Gateway\r\n\r\n<hr>");
    let report = home.verify(&format!("7466 --ip 203.0.113.7 --server {CHECKER}"));
    assert_eq!(report.status, Some(3), "{}", report.text);
    assert!(report.flowing().contains("No checker gave a verdict, which says nothing"));
    let report = home.verify(&format!("7466 --server {CHECKER}"));
    assert_eq!(report.status, Some(3), "{}", report.text);
    assert!(report.flowing().contains("give it with --ip"), "{}", report.text);
}

#[test]
fn two_checkers_that_disagree() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let _checkers = (home.internet.serve(), serve(&home.internet.other_checker));
    home.router.firewall(
        "
table inet filter {
    chain forward {
        type filter hook forward priority filter
        ip saddr 192.0.2.1 tcp dport 7466 drop
    }
}
",
    );
    let report = home.ask_both("7466-7467 --quorum 2");
    assert_eq!(report.status, Some(1), "{}", report.text);
    insta::assert_snapshot!("disagreement", report.text);
    let report = home.ask_both("7466-7467");
    assert_eq!(report.status, Some(0), "one is enough by default: {}", report.text);
    let dissent = format!("7466: Not so from {OTHER_CHECKER}: timed out.");
    assert!(report.flowing().contains(&dissent), "{}", report.text);
    let status = home.ask_both("7466 --quorum 3").status;
    assert_eq!(status, Some(2), "three of two cannot agree");
}

#[test]
fn a_checker_that_does_not_dial_some_ports_judges_the_others() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let mut command = home.internet.checker.command(PORT_CHECKER, &["serve"]);
    let settings = [
        ("PORT_CHECKER_HOST", "0.0.0.0"),
        ("PORT_CHECKER_PORT", "9000"),
        ("PORT_CHECKER_ALLOWED_TARGETS", "203.0.113.0/24"),
        ("PORT_CHECKER_ALLOWED_PORTS", "1024-65535"),
    ];
    configure(&mut command, &settings);
    let _checker = Service::start(&mut command);
    let report = home.verify(&format!("7466-7467 80 --server {CHECKER}"));
    assert_eq!(report.status, Some(3), "{}", report.text);
    let text = report.flowing();
    assert!(text.contains("80 no verdict 7466-7467 reachable, proven ours"), "{}", report.text);
    assert!(text.contains("port 80 is not among the ports this checker dials"), "{}", report.text);
}

#[test]
fn more_ports_of_another_machine_than_the_checker_allows_at_once() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let _checker = home.internet.serve();
    let report = Report::of(
        &home.internet.other_checker,
        &format!("check 203.0.113.7 20000-20203 7466 --server {CHECKER} --timeout 20"),
    );
    // 205 ports cost ten times as many probes, two more than a caller may have at once.
    assert_eq!(report.status, Some(1), "{}", report.text);
    assert!(!report.text.contains("no verdict"), "{}", report.text);
}

#[test]
fn a_checker_that_is_named_twice_counts_once() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let _checker = home.internet.serve();
    let arguments = format!("7466 --server {CHECKER} --server {CHECKER}/ --quorum 2");
    assert_eq!(home.verify(&arguments).status, Some(2), "it cannot agree with itself");
}

/// Of another family, or its own loopback address: then it is behind a proxy of which it does not know.
#[test]
fn a_checker_that_sees_an_address_that_cannot_be_ours() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let odd = [
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"ip\":\"2001:db8::1\"}",
            "sees us from 2001:db8::1",
        ),
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"ip\":\"127.0.0.1\"}",
            "sees us from 127.0.0.1, its own loopback address: a proxy",
        ),
    ];
    for ((answer, said), machine) in
        odd.into_iter().zip([&home.internet.checker, &home.internet.other_checker])
    {
        let _odd = always(machine, answer);
        let asked = if said.contains("127") { OTHER_CHECKER } else { CHECKER };
        let report = home.verify(&format!("7466 --family 4 --server {asked}"));
        assert_eq!(report.status, Some(3), "{}", report.text);
        assert!(report.flowing().contains(said), "{}", report.text);
        assert!(!report.text.contains("Behind NAT"), "{}", report.text);
    }
}

#[test]
fn a_checker_that_lies() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let _lies = always(
        &home.internet.checker,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
         {\"success\":true,\"message\":\"\",\"ip\":\"203.0.113.7\",\"results\":{\"7466\":\
         {\"accessible\":true,\"error\":null,\"reason\":null,\"attempts\":1,\"connect_ms\":1.0,\
         \"challenge\":\"matched\"}}}",
    );
    let report = home.verify(&format!("7466 --server {CHECKER}"));
    assert_eq!(report.status, Some(1), "{}", report.text);
    let text = report.flowing();
    assert!(
        text.contains("7466 said to be reachable, but nothing arrived here"),
        "{}",
        report.text
    );
    assert!(text.contains("or the checker is wrong: ask another one"), "{}", report.text);
}

/// A checker's word of our address decides what that checker looks at, and not what others do.
#[test]
fn a_checker_that_lies_about_our_address_does_not_make_others_look_there() {
    let Some(python) = std::env::var_os("PYTHON_SERVICE") else {
        return skip::missing("PYTHON_SERVICE, the path of its command; see scripts/test");
    };
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    // It is the address of the other checker's machine, where nothing listens on port 7466.
    let _lies = always(
        &home.internet.checker,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
         {\"success\":false,\"message\":\"\",\"ip\":\"192.0.2.1\",\"results\":{\"7466\":\
         {\"accessible\":false,\"error\":\"Connection refused\"}}}",
    );
    let other = python_service(&home.internet.other_checker, &python, "192.0.2.1:9000");
    let report = home.ask_both("7466 --family 4 --json").json();
    let ports = &report["families"][0]["ports"];
    assert_eq!(ports[0]["answers"][1], Value::Null, "it cannot tell, and is not misled: {ports:#}");
    drop(other);
    let _honest = serve(&home.internet.other_checker);
    let report = home.ask_both("7466 --family 4");
    assert_eq!(report.status, Some(0), "{}", report.text);
    assert!(report.flowing().contains("7466 reachable, proven ours"), "{}", report.text);
    assert!(report.text.starts_with("IPv4 203.0.113.7, here 192.168.1.10"), "{}", report.text);
}

/// Starts the Python service on a machine that has this address.
pub(super) fn python_service(machine: &Namespace, program: &OsStr, address: &str) -> Running {
    let mut command = machine.command(&program.to_string_lossy(), &[]);
    command.env("PORT_CHECKER_HOST", "0.0.0.0").env("PORT_CHECKER_PORT", "9000");
    machine.within(|| Running::start(&mut command, address.parse().expect("an address")))
}

#[test]
fn the_python_service_is_asked_unchanged() {
    let Some(python) = std::env::var_os("PYTHON_SERVICE") else {
        return skip::missing("PYTHON_SERVICE, the path of its command; see scripts/test");
    };
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let _python = python_service(&home.internet.checker, &python, "198.51.100.1:9000");
    let check = |ports| {
        Report::of(&home.provider, &format!("check 203.0.113.7 {ports} --server {CHECKER}"))
    };
    let report = check("7466");
    assert_eq!(report.status, Some(1), "nothing listens: {}", report.text);
    assert!(report.flowing().contains("7466 refused"), "{}", report.text);
    let report = home.verify(&format!("7466-7467 7468 --ip 203.0.113.7 --server {CHECKER}"));
    assert_eq!(report.status, Some(1), "{}", report.text);
    let text = report.flowing();
    assert!(text.contains("7466-7467 reachable, and it arrived here"), "{}", report.text);
    assert!(text.contains("7468 refused"), "{}", report.text);
    let _listening = home.provider.within(|| TcpListener::bind("0.0.0.0:7466").expect("free"));
    let report = check("7466");
    assert_eq!(report.status, Some(0), "{}", report.text);
}

/// Something that answers every request on port 9000 with the same bytes, for as long as the test
/// lasts.
fn always(machine: &Namespace, answer: &'static str) -> TcpListener {
    let listener = machine.within(|| TcpListener::bind("0.0.0.0:9000").expect("a free port"));
    let kept = listener.try_clone().expect("a listener");
    thread::spawn(move || {
        for stream in listener.incoming().take(100) {
            let Ok(mut stream) = stream else { return };
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    kept
}
