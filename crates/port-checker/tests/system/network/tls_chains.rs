//! Servers whose certificates are made to cost the checker's processor as much as possible.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{
    certificates::{Authority, write},
    costly_tls::{Chain, Filling, serve},
    http::{Answer, JSON, get, post},
    namespace::Namespace,
    process::Service,
    skip,
};
use serde_json::json;

use crate::program::{PORT_CHECKER, configure};

const HOST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);
const PORT: u16 = 4430;

/// Connections that the server takes at most.
const MAX_CONNECTIONS: usize = 200;

/// How many checks of such a server are asked for at once.
const AT_ONCE: usize = 16;

/// What an answer to anybody else may take meanwhile, from a program that is not optimised on a busy
/// machine. Before there were bounds one check of the costliest chain took a worker 35 seconds.
const RESPONSIVE: Duration = Duration::from_secs(3);

/// What all of the checks may cost together, of the processor.
const AFFORDABLE: Duration = Duration::from_secs(6);

const DEADLINE: Duration = Duration::from_secs(8);

const TOO_MANY: &str =
    "The server sends too many certificates: at most 8 beside its own are verified";
const TOO_MANY_WAYS: &str =
    "The certificate cannot be used: there are too many ways to build its chain";
const TOO_MUCH: &str = "The handshake failed: the server sends more than 65536 bytes";
const UNKNOWN_ISSUER: &str = "The certificate's issuer is unknown, or the server does not send the \
                              chain to it (unable to get local issuer certificate)";

/// What servers show, and what is wrong with it.
fn chains() -> [(Chain, &'static str, &'static str); 8] {
    let alone = Chain::default();
    let led_to = |authorities, filling| Chain { authorities, filling, ..alone };
    [
        (led_to(9, Filling::Certificates), TOO_MANY, "is too long, and is not even read"),
        (
            led_to(8, Filling::Extensions),
            TOO_MANY_WAYS,
            "could be put in 28,960 orders, and 64 KiB read for each",
        ),
        (led_to(4, Filling::Certificates), TOO_MANY, "has few authorities and many others"),
        (led_to(4, Filling::Extensions), UNKNOWN_ISSUER, "is the costliest that is verified"),
        (led_to(1, Filling::Names), UNKNOWN_ISSUER, "begins with a certificate for 10,000 names"),
        (
            Chain { rsa_bits: Some(8192), ..alone },
            UNKNOWN_ISSUER,
            "has the costliest key that is tried",
        ),
        (
            Chain { rsa_bits: Some(16_384), ..alone },
            UNKNOWN_ISSUER,
            "has a larger key, which is not tried",
        ),
        (
            Chain { record: 1, ..led_to(4, Filling::Extensions) },
            TOO_MUCH,
            "comes in records of one byte",
        ),
    ]
}

/// Who asks the checker.
#[derive(Clone, Copy)]
struct Client<'a> {
    machine: &'a Namespace,
    checker: SocketAddr,
}

struct Lab {
    machine: Namespace,
    checker: Service,
    _directory: tempfile::TempDir,
}

impl Lab {
    fn new(chain: Chain, deadline: Duration) -> Self {
        let machine = Namespace::new();
        machine.ip(&["address", "add", "203.0.113.20/32", "dev", "lo"]);
        let directory = tempfile::tempdir().expect("a directory");
        let roots = write(directory.path(), "roots.pem", &Authority::new().pem);
        let mut command = machine.command(PORT_CHECKER, &["serve"]);
        let settings = [
            ("PORT_CHECKER_ALLOWED_TARGETS", "203.0.113.0/24"),
            ("PORT_CHECK_DEADLINE", &deadline.as_secs_f64().to_string()),
            ("PORT_CHECK_TIMEOUT", "2"),
            ("SSL_CERT_FILE", roots.to_str().expect("a path in UTF-8")),
        ];
        configure(&mut command, &settings);
        serve(&machine, PORT, HOST, chain, MAX_CONNECTIONS);
        let checker = Service::start(&mut command);
        Self { machine, checker, _directory: directory }
    }

    fn client(&self) -> Client<'_> {
        Client { machine: &self.machine, checker: self.checker.address }
    }

    /// What the checker's process has used of the processors (proc_pid_stat(5)).
    fn processor_time(&self) -> Duration {
        const TICK: Duration = Duration::from_millis(10);
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.checker.pid())).expect("it runs");
        let (_, after_name) = stat.rsplit_once(") ").expect("the name is in brackets");
        let ticks = |field: &str| field.parse::<u32>().expect("a number");
        after_name.split(' ').skip(11).take(2).map(|field| TICK * ticks(field)).sum()
    }
}

impl Client<'_> {
    fn check(self) -> Answer {
        let (checker, body) = (self.checker, json!({"host": HOST, "port": PORT}));
        self.machine.within(|| post(checker, "/check-tls", JSON, body.to_string().as_bytes()))
    }

    /// Asks for `/health` again and again while `work` goes on; returns the longest time it took.
    fn health_during<T: Send>(self, work: impl FnOnce() -> T + Send) -> (T, Duration) {
        let checker = self.checker;
        thread::scope(|scope| {
            let work = scope.spawn(work);
            let mut longest = Duration::ZERO;
            while !work.is_finished() {
                let begun = Instant::now();
                assert_eq!(self.machine.within(|| get(checker, "/health")).status, 200);
                longest = longest.max(begun.elapsed());
            }
            (work.join().expect("no panic"), longest)
        })
    }

    /// Checks the server [`AT_ONCE`] times; returns every answer and how long it took.
    fn check_at_once(self) -> Vec<(Answer, Duration)> {
        let timed = move || {
            let begun = Instant::now();
            (self.check(), begun.elapsed())
        };
        thread::scope(|scope| {
            let checks: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(timed)).collect();
            checks.into_iter().map(|check| check.join().expect("no panic")).collect()
        })
    }
}

#[test]
fn certificates_of_any_kind_cost_the_checker_little() {
    if !skip::is_root() {
        return;
    }
    for (chain, error, why) in chains() {
        let lab = Lab::new(chain, DEADLINE);
        let client = lab.client();
        let first = client.check();
        let before = lab.processor_time();
        let (answers, health) = client.health_during(|| client.check_at_once());
        let cost = lab.processor_time() - before;
        println!("a chain that {why}: {cost:?} for {AT_ONCE}, health within {health:?}");
        assert_eq!(first.json()["error"], error, "a chain that {why}");
        assert!(cost < AFFORDABLE, "a chain that {why}: {cost:?}");
        assert!(health < RESPONSIVE, "a chain that {why}: {health:?}");
        for (answer, took) in answers {
            assert_eq!(answer.json()["error"], error, "a chain that {why}: {answer:?}");
            assert!(took < DEADLINE, "a chain that {why}: {took:?}");
        }
    }
}

/// A program that is not optimised takes longer than that to verify them all, one after the other.
#[test]
fn certificates_that_cannot_be_verified_in_time_are_not_judged() {
    if !skip::is_root() {
        return;
    }
    let deadline = Duration::from_millis(2200);
    let costliest = Chain { authorities: 4, filling: Filling::Extensions, ..Chain::default() };
    let lab = Lab::new(costliest, deadline);
    let answers = lab.client().check_at_once();
    let judged = answers.iter().filter(|(answer, _)| answer.status == 200).count();
    println!("{judged} of {AT_ONCE} were judged within {deadline:?}");
    for (answer, took) in answers {
        match answer.status {
            200 => assert_eq!(answer.json()["error"], UNKNOWN_ISSUER, "{answer:?}"),
            _ => assert_eq!(answer.code(), "CHECK_FAILED", "{answer:?}"),
        }
        assert!(took < deadline + RESPONSIVE, "{took:?}");
    }
}
