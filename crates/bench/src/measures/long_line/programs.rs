//! Programs that can say which ports of a host are open.

use std::{
    collections::HashSet,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use port_checker_testbed::{
    process::{Running, Service},
    skip,
};

use super::lab::{HOST, Lab, Ports};
use crate::{
    comparison::Measurement,
    load::has,
    service::{TICK_US, processor_ticks_of, processor_ticks_of_children},
};

/// One of them.
pub(super) enum Program {
    Ours(Service),
    OursThreeAttempts(Service),
    Python(Running, SocketAddr),
    Nmap { descriptors: Option<u64> },
    Rustscan { descriptors: Option<u64> },
}

/// Those that there are; ours is the first. With so many descriptors at most.
pub(super) fn there(lab: &Lab, descriptors: Option<u64>) -> anyhow::Result<Vec<Program>> {
    let mut programs = vec![Program::Ours(match descriptors {
        Some(descriptors) => lab.serve_limited(descriptors, &[]),
        None => lab.serve(&[]),
    })];
    if has("nmap", "--version") {
        programs.push(Program::Nmap { descriptors });
    }
    if has("rustscan", "--version") {
        programs.push(Program::Rustscan { descriptors });
    }
    // The Python service always makes three attempts. What it does with more ports than descriptors is
    // known: most of its verdicts are wrong.
    if descriptors.is_none() {
        let three = [("PORT_CHECK_RETRIES", "3")];
        programs.push(Program::OursThreeAttempts(lab.serve(&three)));
        let python = lab.checker.within(Running::python_service);
        programs.extend(python.map(|(running, address)| Program::Python(running, address)));
    }
    Ok(programs)
}

impl Program {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => "ours, one attempt",
            Self::OursThreeAttempts(_) => "ours, three attempts",
            Self::Python(..) => "Python service, three attempts",
            Self::Nmap { .. } => "nmap -sT -T5 --max-retries 0",
            Self::Rustscan { .. } => "rustscan -b 4500",
        }
    }

    /// Has it look at all ports; nothing comes of a scanner that does not end in time.
    pub(super) fn scan(&self, lab: &Lab, ports: &Ports) -> anyhow::Result<Option<Measurement>> {
        match self {
            Self::Ours(service) | Self::OursThreeAttempts(service) => {
                lab.ask(service, ports).map(Some)
            }
            Self::Python(running, address) => {
                let before = processor_ticks_of(running.pid());
                let mut outcome = lab.judge(*address, ports)?;
                let used = processor_ticks_of(running.pid()) - before;
                outcome.cpu_us = used * TICK_US / ports.all.len() as f64;
                Ok(Some(outcome))
            }
            Self::Nmap { descriptors } => {
                let range = range(ports);
                let args = "-sT -T5 -n -Pn --max-retries 0 -oG - -p";
                run("nmap", args, &[&range, HOST], *descriptors, lab, ports)
            }
            Self::Rustscan { descriptors } => {
                // Else it asks for more files than it may open, and stops.
                let batch = descriptors.map_or(4500, |most| most.min(4700) - 200).to_string();
                let args = "--no-banner -g -a 203.0.113.1 --range";
                run("rustscan", args, &[&range(ports), "-b", &batch], *descriptors, lab, ports)
            }
        }
    }
}

fn range(ports: &Ports) -> String {
    let (first, last) = (ports.all.first(), ports.all.last());
    format!("{}-{}", first.copied().unwrap_or_default(), last.copied().unwrap_or_default())
}

/// How long a scanner may take, in seconds: several times what nmap needs for all ports over 300 ms.
const SCAN_TIMEOUT: &str = "600";

/// What timeout(1) exits with when the time is up.
const TIMED_OUT: i32 = 124;

/// Runs a scanner to its end; some arguments come with blanks between them.
fn run(
    program: &str,
    args: &str,
    further: &[&str],
    descriptors: Option<u64>,
    lab: &Lab,
    ports: &Ports,
) -> anyhow::Result<Option<Measurement>> {
    let mut command = Command::new("timeout");
    command.args([SCAN_TIMEOUT, "prlimit"]);
    if let Some(most) = descriptors {
        command.arg(format!("--nofile={most}:{most}"));
    }
    command.arg(program).args(args.split_whitespace()).args(further);
    let before = processor_ticks_of_children();
    let began = Instant::now();
    let output = lab.checker.within(|| command.stderr(Stdio::null()).output());
    let seconds = began.elapsed().as_secs_f64();
    let output = output.context("it is there")?;
    if output.status.code() == Some(TIMED_OUT) {
        skip::say(&format!("more than {SCAN_TIMEOUT} s for {command:?}"));
        return Ok(None);
    }
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    let used = processor_ticks_of_children() - before;
    let found = numbers(&String::from_utf8_lossy(&output.stdout));
    Ok(Some(Measurement {
        seconds,
        cpu_us: used * TICK_US / ports.all.len() as f64,
        open_missed: Some(ports.open.difference(&found).count()),
        wrong: None,
    }))
}

/// The ports that a scanner calls open: `80/open/tcp` (nmap -oG) or `203.0.113.1 -> [80,443]` (rustscan -g).
fn numbers(said: &str) -> HashSet<u16> {
    let nmap = said.split([' ', ',']).filter_map(|word| word.split_once("/open/"));
    let rustscan = said.split_once("-> [").map_or("", |(_, rest)| rest).split([',', ']']);
    nmap.map(|(port, _)| port).chain(rustscan).filter_map(|port| port.trim().parse().ok()).collect()
}
