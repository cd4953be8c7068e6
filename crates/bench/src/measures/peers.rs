//! The service beside its peers: the Python service, the kernel alone, scanners.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use port_checker_api::Reason;
use port_checker_testbed::{
    http::{Answer, connect},
    namespace::Namespace,
    process::Running,
    skip,
};
use serde_json::Value;

use crate::{
    load::{Targets, ask, body, has, latency, median, routes, this, throughput},
    service::{UNLIMITED, start},
    table::{Goal, Table},
};

/// Connections at once, for single ports and for hundreds.
const SINGLE: usize = 32;
const HUNDREDS: usize = 8;

/// Single-port checks a second.
pub(crate) fn python_service(table: &mut Table) -> anyhow::Result<()> {
    const BESIDE_PYTHON: &str = "single open port, 32 connections: checks/s, ours / Python service";
    const BESIDE_BARE: &str = "the same, ours / a route that checks and does nothing else";
    const CEILING: &str = "the same, a route that checks and does nothing else / Python service";
    if !table.wants(&[BESIDE_PYTHON, BESIDE_BARE, CEILING]) {
        return Ok(());
    }
    let Some((_python, python)) = Running::python_service() else { return Ok(()) };
    let (open, ours, (_routes, bare)) = (Targets::open(1), start(&UNLIMITED), routes());
    let body = open.body();
    let mut rates = Vec::new();
    for _ in 0..table.rounds {
        let rate = |server| throughput(server, &body, SINGLE);
        rates.push((rate(ours.address)?, rate(python)?, rate(bare)?));
    }
    let beside_python = rates.iter().map(|(ours, python, _)| ours / python);
    table.add(BESIDE_PYTHON, "", Goal::AtLeast(20.0), beside_python.collect());
    let beside_bare = rates.iter().map(|(ours, _, bare)| ours / bare);
    table.add(BESIDE_BARE, "", Goal::Known, beside_bare.collect());
    let ceiling = rates.iter().map(|(_, python, bare)| bare / python);
    table.add(CEILING, "", Goal::Known, ceiling.collect());
    Ok(())
}

/// Ports a second in requests of a hundred, beside a program that does nothing but connect.
pub(crate) fn kernel(table: &mut Table) -> anyhow::Result<()> {
    const NAME: &str = "hundreds of open ports: ports/s, ours / kernel, two threads";
    const CONNECTIONS: usize = 60_000;
    if !table.wants(&[NAME]) {
        return Ok(());
    }
    let (open, ours) = (Targets::open(100), start(&UNLIMITED));
    let mut ratios = Vec::new();
    for _ in 0..table.rounds {
        let ports = throughput(ours.address, &open.body(), HUNDREDS)? * open.ports.len() as f64;
        ratios.push(ports / kernel_rate(&open.ports, CONNECTIONS)?);
    }
    table.add(NAME, "", Goal::AtLeast(0.85), ratios);
    Ok(())
}

/// Connections a second that a separate process makes; all must be established.
fn kernel_rate(ports: &[u16], connections: usize) -> anyhow::Result<f64> {
    let mut command = this();
    command.arg("floor").arg(connections.to_string()).args(ports.iter().map(u16::to_string));
    let said = String::from_utf8(command.output()?.stdout)?;
    ensure!(said.starts_with(&format!("open {connections} ")), "not all were open: {said}");
    Ok(said.split_whitespace().last().unwrap_or_default().parse()?)
}

/// Every port of loopback, nearly all of them closed, in a network namespace where it is known which
/// are not.
pub(crate) fn scanners(table: &mut Table) -> anyhow::Result<()> {
    const NMAP: &str = "65,535 ports, nearly all closed: time, ours / nmap";
    const RUSTSCAN: &str = "the same, ours / rustscan";
    if !table.wants(&[NMAP, RUSTSCAN]) || !skip::is_root() {
        return Ok(());
    }
    let rounds = table.rounds;
    let (nmap, rustscan) = Namespace::new().within(|| scan_all_ports(rounds))?;
    for (name, most, ratios) in [(NMAP, 0.65, nmap), (RUSTSCAN, 0.25, rustscan)] {
        if !ratios.is_empty() {
            table.add(name, "", Goal::AtMost(most), ratios);
        }
    }
    Ok(())
}

/// The ratios to nmap and to rustscan, none where that is not there; no verdict may be wrong.
fn scan_all_ports(rounds: usize) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    const NMAP: [&str; 8] = ["-sT", "-p-", "-T5", "-n", "-Pn", "--max-retries", "0", "127.0.0.1"];
    const RUSTSCAN: [&str; 8] =
        ["-a", "127.0.0.1", "--range", "1-65535", "-g", "-b", "4500", "--no-banner"];
    let (targets, ours) = (Targets::open(20), start(&UNLIMITED));
    let mut open: Vec<String> = targets.ports.iter().map(u16::to_string).collect();
    open.push(ours.address.port().to_string());
    let question = body(&(1..=u16::MAX).collect::<Vec<u16>>());
    let (has_nmap, has_rustscan) = (has("nmap", "--version"), has("rustscan", "--version"));
    let (mut nmap, mut rustscan) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (answer, took) = ask(ours.address, &question);
        all_are_right(&answer, &open)?;
        if has_nmap {
            nmap.push(took.as_secs_f64() / scan("nmap", &NMAP)?);
        }
        if has_rustscan {
            rustscan.push(took.as_secs_f64() / scan("rustscan", &RUSTSCAN)?);
        }
    }
    Ok((nmap, rustscan))
}

fn all_are_right(answer: &Answer, open: &[String]) -> anyhow::Result<()> {
    let results = answer.json()["results"].take();
    let results = results.as_object().context("results")?;
    ensure!(results.len() == usize::from(u16::MAX), "every port is judged");
    for (port, result) in results {
        let error = if open.contains(port) { Value::Null } else { Reason::Refused.text().into() };
        ensure!(result["error"] == error, "port {port} is judged wrongly: {result}");
    }
    Ok(())
}

/// How long a scan takes, in seconds.
fn scan(program: &str, args: &[&str]) -> anyhow::Result<f64> {
    let mut command = Command::new(program);
    let began = Instant::now();
    let done = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(done.success(), "{program} {args:?}: {done}");
    Ok(began.elapsed().as_secs_f64())
}

/// Median time of one open port on one connection, beside its indispensable parts.
#[expect(clippy::disallowed_methods, reason = "dials a port of this program's own")]
pub(crate) fn bare_connection(table: &mut Table) -> anyhow::Result<()> {
    const NAME: &str = "one open port: time, ours / bare connect and empty route";
    const COUNT: usize = 2000;
    if !table.wants(&[NAME]) {
        return Ok(());
    }
    let (open, ours, (_routes, empty)) = (Targets::open(1), start(&UNLIMITED), routes());
    let mut client = connect(ours.address);
    let mut idle = connect(empty);
    let target = ("127.0.0.1", open.ports[0]);
    let ratios = (0..table.rounds).map(|_| {
        let ours = latency(&mut client, &open.body(), COUNT);
        let connecting = median(COUNT, || {
            drop(std::net::TcpStream::connect(target).expect("it listens"));
        });
        let route = median(COUNT, || assert_eq!(get(&mut idle), 200));
        ours.as_secs_f64() / (connecting + route).as_secs_f64()
    });
    let ratios = ratios.collect();
    table.add(NAME, "", Goal::AtMost(1.3), ratios);
    Ok(())
}

/// One question to the empty route.
fn get(client: &mut std::net::TcpStream) -> u16 {
    use std::io::Write;
    client.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n").expect("the service reads");
    port_checker_testbed::http::read_answer(client).status
}
