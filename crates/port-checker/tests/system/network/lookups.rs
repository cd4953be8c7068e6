//! Names in `POST /check-tls`: who waits for them, what they cost, and what the log tells.

use std::{
    io::Write,
    net::TcpStream,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{
    http::{Answer as HttpAnswer, JSON, check_ports, connect, post, read_answer},
    namespace::Namespace,
    process::Service,
    skip,
};
use serde_json::json;

use crate::{
    dns::{self, Answer},
    program::{PORT_CHECKER, configure},
};

const PUBLIC: &str = "203.0.113.20";

/// Nothing listens there.
const PORT: u16 = 4449;

/// Slow names of each caller that has some.
const SLOW_NAMES: usize = 8;

/// A checker that believes a proxy on its machine, and a name server that does not answer about names
/// that end in `slow.example`.
struct Lab {
    checker: Service,
    /// Each name that the name server was asked about.
    asked: mpsc::Receiver<String>,
    machine: Namespace,
}

impl Lab {
    fn with(further: &[(&str, &str)]) -> Self {
        let machine = Namespace::new();
        machine.ip(&["address", "add", &format!("{PUBLIC}/32"), "dev", "lo"]);
        let (sender, asked) = mpsc::channel();
        dns::serve(&machine, move |name, _| {
            let _ = sender.send(name.to_owned());
            match name {
                "good.example" => Answer::Addresses(&[PUBLIC]),
                "late.example" => {
                    // Asked about two families, one after the other.
                    thread::sleep(Duration::from_millis(700));
                    Answer::Addresses(&[PUBLIC])
                }
                "private.example" => Answer::Addresses(&["192.168.7.7"]),
                name if name.ends_with("slow.example") => Answer::Silence,
                _ => Answer::NoSuchName,
            }
        });
        let mut command = machine.command(PORT_CHECKER, &["serve"]);
        let settings = [
            ("PORT_CHECKER_ALLOWED_TARGETS", "203.0.113.0/24,127.0.0.1"),
            ("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1"),
            ("PORT_CHECK_TIMEOUT", "1"),
            ("PORT_CHECK_RETRIES", "1"),
        ];
        configure(&mut command, &[&settings[..], further].concat());
        let checker = Service::start(&mut command);
        Self { checker, asked, machine }
    }

    fn ask(&self, host: &str, caller: &str) -> HttpAnswer {
        let (checker, body) = (self.checker.address, body(host));
        let headers = format!("{JSON}X-Forwarded-For: {caller}\r\n");
        self.machine.within(|| post(checker, "/check-tls", &headers, body.as_bytes()))
    }

    /// Asks, and does not wait for the answer.
    fn begin(&self, host: &str, caller: &str) -> TcpStream {
        let (checker, body) = (self.checker.address, body(host));
        let mut stream = self.machine.within(|| connect(checker));
        let request = format!(
            "POST /check-tls HTTP/1.1\r\nHost: test\r\n{JSON}X-Forwarded-For: {caller}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("the server reads");
        stream
    }

    /// Has a caller wait for slow names, until the name server was asked about one of them.
    fn with_slow_names_of(&self, caller: usize) -> Vec<TcpStream> {
        const LOOKUP_WAIT: Duration = Duration::from_secs(4);
        let suffix = format!(".of{caller}.slow.example");
        let begin =
            |number| self.begin(&format!("name{number}{suffix}"), &format!("198.51.100.{caller}"));
        let clients = (0..SLOW_NAMES).map(begin).collect();
        while !self.asked.recv_timeout(LOOKUP_WAIT).expect("a look-up").ends_with(&suffix) {}
        clients
    }
}

fn body(host: &str) -> String {
    json!({"host": host, "port": PORT}).to_string()
}

#[test]
fn six_callers_with_slow_names_delay_nobody_else() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::with(&[]);
    let slow: Vec<_> = (0..6).flat_map(|caller| lab.with_slow_names_of(caller)).collect();
    let begun = Instant::now();
    let answer = lab.ask("good.example", "198.51.100.99");
    println!("beside {} slow names of six callers: {:?}", slow.len(), begun.elapsed());
    assert_eq!(answer.json()["error"], "Connection refused", "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn a_name_server_that_hangs_does_not_delay_the_end() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::with(&[]);
    let mut clients = lab.with_slow_names_of(1);
    lab.checker.signal("TERM");
    let begun = Instant::now();
    assert_eq!(lab.checker.exit_status().code(), Some(0));
    println!("the end took {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    for client in &mut clients {
        let answer = read_answer(client);
        assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
    }
}

#[test]
fn a_look_up_is_charged_to_its_caller_alone() {
    if !skip::is_root() {
        return;
    }
    let limits = [
        ("PORT_CHECKER_TARGET_RATE_BURST", "2"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "1"),
        ("PORT_CHECKER_RATE_BURST", "8"),
        ("PORT_CHECKER_RATE_PER_MINUTE", "1"),
    ];
    let lab = Lab::with(&limits);
    for _ in 0..4 {
        assert_eq!(lab.ask("nothing.example", "127.0.0.1").status, 403);
    }
    let checker = lab.checker.address;
    let own = lab.machine.within(|| check_ports(checker, &json!({"ports": [PORT]}).to_string()));
    assert_eq!(own.status, 200, "nobody was asked about: {own:?}");
    let statuses: Vec<u16> =
        (0..4).map(|_| lab.ask("nothing.example", "127.0.0.1").status).collect();
    assert_eq!(statuses, [403, 403, 403, 429], "but somebody asked");
}

#[test]
fn a_check_without_enough_time_is_not_charged_to_its_target() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::with(&[
        ("PORT_CHECK_DEADLINE", "2"),
        ("PORT_CHECKER_TARGET_RATE_BURST", "2"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "1"),
    ]);
    for _ in 0..3 {
        let late = lab.ask("late.example", "198.51.100.1");
        assert_eq!((late.status, late.code().as_str()), (503, "CHECK_FAILED"), "{late:?}");
    }
    assert_eq!(lab.ask(PUBLIC, "198.51.100.1").status, 200, "nothing was sent to it before");
}

#[test]
fn the_log_names_the_target_of_a_refused_check() {
    if !skip::is_root() {
        return;
    }
    let mut lab = Lab::with(&[
        // A third party may spend half of it.
        ("PORT_CHECKER_TARGET_RATE_BURST", "2"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "1"),
    ]);
    let cases = [
        ("192.168.1.1", 403, "target=192.168.1.1"),
        ("private.example", 403, "target=192.168.7.7"),
        ("nothing.example", 403, "'nothing.example'"),
        (PUBLIC, 200, "target=203.0.113.20"),
        (PUBLIC, 429, "target=203.0.113.20"),
    ];
    for (host, status, told) in cases {
        assert_eq!(lab.ask(host, "198.51.100.1").status, status, "{host}");
        let line = lab.checker.wait_for_line("route=\"/check-tls\"");
        assert!(line.contains(told), "{host}: {line}");
    }
}
