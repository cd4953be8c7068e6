//! Load: wrk, and single questions.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use port_checker_api::Port;
use port_checker_testbed::{
    http::{Answer, check, connect, exchange, try_read_answer},
    ports::unused,
    process::{Running, free_address},
    skip,
};

/// How long wrk asks, in seconds.
const SECONDS: &str = "2";

/// Ports whose connections are taken and closed by a separate program.
pub(crate) struct Targets {
    pub(crate) ports: Vec<u16>,
    _program: Running,
}

impl Targets {
    pub(crate) fn open(count: usize) -> Self {
        let ports: Vec<u16> = unused(count).into_iter().map(Port::get).collect();
        let mut command = this();
        command.arg("accept").args(ports.iter().map(u16::to_string));
        let last = SocketAddr::from(([127, 0, 0, 1], ports[count - 1]));
        Self { _program: Running::start(&mut command, last), ports }
    }

    /// The body of a check of all of them.
    pub(crate) fn body(&self) -> String {
        body(&self.ports)
    }
}

/// The body of a check of `ports` of this machine.
pub(crate) fn body(ports: &[u16]) -> String {
    format!(r#"{{"provider_ip":"127.0.0.1","ports":{ports:?}}}"#)
}

/// This program, to be run as one of its yardsticks.
pub(crate) fn this() -> Command {
    Command::new(std::env::current_exe().expect("a running program has a path"))
}

/// The yardstick's HTTP service.
pub(crate) fn routes() -> (Running, SocketAddr) {
    let address = free_address();
    let running = Running::start(this().arg("routes").arg(address.to_string()), address);
    (running, address)
}

/// Whether a program is there; says so if it is not.
pub(crate) fn has(program: &str, version: &str) -> bool {
    let there = skip::is_there(program, version);
    if !there {
        skip::say(&format!("{program}, to compare with it"));
    }
    there
}

/// Checks a second that `server` answers over `connections`, as wrk counts them.
pub(crate) fn throughput(
    server: SocketAddr,
    body: &str,
    connections: usize,
) -> anyhow::Result<f64> {
    let mut script = tempfile::NamedTempFile::new()?;
    write!(
        script,
        "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{body}'\n"
    )?;
    let output = Command::new("wrk")
        .args(["-t1", "-d", SECONDS, "-c", &connections.to_string(), "-s"])
        .arg(script.path())
        .arg(format!("http://{server}/check-ports"))
        .output()
        .context("wrk, from Debian")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(!said.contains("Non-2xx"), "some answers were errors: {said}");
    let rate = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("no rate in {said}"))
}

/// Asks for one check on a new connection; returns the answer and how long it took.
pub(crate) fn ask(server: SocketAddr, body: &str) -> (Answer, Duration) {
    ask_on(connect(server), body)
}

/// The same on a connection that is there.
pub(crate) fn ask_on(mut client: TcpStream, body: &str) -> (Answer, Duration) {
    let request = check(body);
    let began = Instant::now();
    client.write_all(&request).expect("the service reads");
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).expect("the service answers and hangs up");
    let took = began.elapsed();
    let answer = try_read_answer(&mut &bytes[..]).expect("an answer");
    assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.body));
    (answer, took)
}

/// The median time of `count` runs of `work`.
pub(crate) fn median(count: usize, mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[count / 2]
}

/// The median time of `count` checks on one connection, one after another.
pub(crate) fn latency(client: &mut TcpStream, body: &str, count: usize) -> Duration {
    median(count, || {
        let answer = exchange(client, "", body).expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
    })
}
