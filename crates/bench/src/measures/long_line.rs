//! Over a line with distance and loss: the service beside the Python service and scanners.

mod lab;
mod programs;
pub(crate) mod udp;

use std::{
    thread::scope,
    time::{Duration, Instant},
};

use anyhow::ensure;
use port_checker_testbed::{http::connect, process::Running, skip};

use crate::{
    comparison::{Comparison, Measurement},
    load::latency,
    service::{TICK_US, processor_ticks_of},
    table::{Goal, Table},
};
use lab::{Lab, Ports, question};
use programs::Program;

/// Round trips, in milliseconds, and losses.
const DISTANCES: [u64; 2] = [100, 300];
const LOSSES: [f64; 3] = [0.0, 0.02, 0.1];

/// Rounds take long here: nmap needs half a minute for some.
const ROUNDS: usize = 3;

fn wanted(table: &Table, name: &str) -> bool {
    table.wants(&[name]) && skip::is_root()
}

/// Some thousand ports, most of them closed.
pub(crate) fn scans(table: &mut Table, comparison: &mut Comparison) -> anyhow::Result<()> {
    let ports = Ports::mostly_closed(10_001..=15_000, 50);
    for (distance, loss) in lines() {
        let task = format!("long line, {} ports: {}", ports.all.len(), words(distance, loss));
        if wanted(table, &task) {
            let lab = Lab::new(distance, loss, &ports);
            let programs = programs::there(&lab, None)?;
            compare(&task, &lab, &ports, &programs, table.rounds.min(ROUNDS), comparison)?;
        }
    }
    Ok(())
}

/// Each program in turns.
fn compare(
    task: &str,
    lab: &Lab,
    ports: &Ports,
    programs: &[Program],
    rounds: usize,
    comparison: &mut Comparison,
) -> anyhow::Result<Vec<Vec<Measurement>>> {
    let mut outcomes = vec![Vec::new(); programs.len()];
    for _ in 0..rounds {
        for (program, outcomes) in programs.iter().zip(&mut outcomes) {
            outcomes.extend(program.scan(lab, ports)?);
        }
    }
    for (program, outcomes) in programs.iter().zip(&outcomes) {
        comparison.add(task, program.name(), outcomes.clone());
    }
    lab.nothing_overflowed()?;
    Ok(outcomes)
}

/// Callers that ask about one open port, again and again.
pub(crate) fn single_checks(table: &mut Table, comparison: &mut Comparison) -> anyhow::Result<()> {
    let ports = Ports::mostly_closed(10_001..=10_001, 1);
    for (distance, loss) in lines() {
        let task =
            format!("long line, single-port checks of 64 callers: {}", words(distance, loss));
        if !wanted(table, &task) {
            continue;
        }
        let lab = Lab::new(distance, loss, &ports);
        let ours = lab.serve(&[]);
        let checks = |server, pid| lab.checker.within(|| ask_for_a_while(server, pid, &ports));
        let rounds = |one: &dyn Fn() -> Measurement| {
            (0..table.rounds.min(ROUNDS)).map(|_| one()).collect::<Vec<_>>()
        };
        comparison.add(&task, "ours", rounds(&|| checks(ours.address, ours.pid())));
        if let Some((python, address)) = lab.checker.within(Running::python_service) {
            let outcomes = rounds(&|| checks(address, python.pid()));
            comparison.add(&task, "Python service", outcomes);
        }
        lab.nothing_overflowed()?;
    }
    Ok(())
}

/// The median time of a check, and the processor time of each.
fn ask_for_a_while(server: std::net::SocketAddr, pid: u32, ports: &Ports) -> Measurement {
    const CALLERS: usize = 64;
    const WHILE: Duration = Duration::from_secs(4);
    let body = question(&ports.all);
    let before = processor_ticks_of(pid);
    let times: Vec<Duration> = scope(|scope| {
        let caller = || {
            let (began, mut times) = (Instant::now(), Vec::new());
            let mut client = connect(server);
            while began.elapsed() < WHILE {
                times.push(latency(&mut client, &body, 1));
            }
            times
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("no panic")).collect()
    });
    let cpu_us = (processor_ticks_of(pid) - before) * TICK_US / times.len() as f64;
    let mut seconds: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
    seconds.sort_by(f64::total_cmp);
    Measurement { seconds: seconds[seconds.len() / 2], cpu_us, open_missed: None, wrong: None }
}

/// A fifth of all packets is lost.
pub(crate) fn heavy_loss(table: &mut Table) -> anyhow::Result<()> {
    const NAME: &str = "long line, 20 % loss, 10,000 ports: wrong verdicts in 1,000";
    const REQUESTS: u16 = 5;
    const PORTS: u16 = 2_000;
    if !wanted(table, NAME) {
        return Ok(());
    }
    let mut wrong = 0;
    for request in 0..REQUESTS {
        let ports = Ports::mixed(10_001 + request * PORTS..=10_000 + (request + 1) * PORTS);
        let lab = Lab::new(100, 0.2, &ports);
        let service = lab.serve(&[("PORT_CHECK_RETRIES", "3")]);
        wrong += lab.ask(&service, &ports)?.wrong.unwrap_or_default();
        lab.nothing_overflowed()?;
    }
    let in_a_thousand = wrong as f64 / f64::from(REQUESTS * PORTS) * 1e3;
    table.add(NAME, "", Goal::AtMost(1.0), vec![in_a_thousand]);
    Ok(())
}

/// Every port there is, with few descriptors and with many.
pub(crate) fn all_ports(table: &mut Table, comparison: &mut Comparison) -> anyhow::Result<()> {
    const WRONG: [(u64, &str); 2] = [
        (1_024, "long line, 65,535 ports, 1,024 descriptors: wrong verdicts"),
        (20_000, "long line, 65,535 ports, 20,000 descriptors: wrong verdicts"),
    ];
    let ports = Ports::mostly_closed(1..=u16::MAX, 100);
    for (descriptors, name) in WRONG {
        if !wanted(table, name) {
            continue;
        }
        if rlimit::Resource::NOFILE.get_hard()? < descriptors {
            skip::say(&format!("{descriptors} descriptors, for {name}"));
            continue;
        }
        let lab = Lab::new(300, 0.02, &ports);
        let programs = programs::there(&lab, Some(descriptors))?;
        let task = format!("65,535 ports, {descriptors} descriptors: {}", words(300, 0.02));
        let outcomes = compare(&task, &lab, &ports, &programs, 1, comparison)?;
        ensure!(!outcomes.is_empty(), "ours is the first");
        let wrong = outcomes[0].iter().filter_map(|outcome| outcome.wrong).sum::<usize>() as f64;
        table.add(name, "", Goal::AtMost(0.0), vec![wrong]);
    }
    Ok(())
}

fn lines() -> impl Iterator<Item = (u64, f64)> {
    DISTANCES.into_iter().flat_map(|distance| LOSSES.map(|loss| (distance, loss)))
}

fn words(distance: u64, loss: f64) -> String {
    format!("{distance} ms, {:.0} % loss", loss * 100.0)
}
