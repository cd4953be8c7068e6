//! All attacks at once against the real service, with honest callers beside: `scripts/soak`.
//!
//! Everything happens inside network namespaces that this program makes. It ends by itself.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use port_checker_testbed::skip;

mod attack;
mod attacks;
mod costly_chains;
mod honest;
mod lab;
mod report;
mod service;
mod watch;

pub(crate) mod rows;

use attack::{Attack, Tally};
use honest::Served;
use lab::Lab;
use report::Report;
use watch::Health;

/// For how long `/health` is watched before the attacks begin, if they go on for as long.
const BEFORE: Duration = Duration::from_secs(20);

/// How long the longest check that was asked for at the end may go on: its deadline, and a margin for a
/// busy machine.
const AFTER: Duration = Duration::from_secs(35);

/// The longest soak, in minutes.
const MOST_MINUTES: f64 = 24.0 * 60.0;

/// What a soak is told.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// For how long everything goes on, in minutes: 0.1 to 1440.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Make the attacks of these kinds.
    #[arg(long, default_value = attacks::USUAL)]
    kinds: String,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!((0.1..=MOST_MINUTES).contains(&args.minutes), "--minutes is 0.1 to {MOST_MINUTES}");
    ensure!(skip::is_root(), "a soak needs root: it makes network namespaces");
    let attacks = attacks::all().into_iter();
    let attacks: Vec<_> = attacks.filter(|attack| args.kinds.contains(attack.kind)).collect();
    ensure!(!attacks.is_empty(), "--kinds is some of the letters that the documentation lists");
    let report = soak(&attacks, Duration::from_secs_f64(args.minutes * 60.0))?;
    let broken = report.print();
    if broken.is_empty() {
        println!("\nNo rule was broken.");
        return Ok(());
    }
    bail!("rules were broken:\n  {}", broken.join("\n  "))
}

fn soak(attacks: &[&'static Attack], time: Duration) -> anyhow::Result<Report> {
    let lab = Lab::new()?;
    let unloaded = lab.world.within(|| Health::until(Instant::now() + BEFORE.min(time)));
    let (attacks, honest, loaded, memory) = lab.world.within(|| attacked(&lab, attacks, time));
    ensure!(lab.service.goes_on(), "the service has ended");
    let left_over = lab.world.within(probes_left_over)?;
    let (log_lines, log_bytes) = lab.service.logged()?;
    let peak = lab.service.peak();
    Ok(Report {
        time,
        attacks,
        honest,
        unloaded,
        loaded,
        memory,
        peak,
        log_lines,
        log_bytes,
        left_over,
    })
}

type Seen = (Vec<(&'static Attack, Tally)>, Vec<(&'static str, Served)>, Health, Vec<f64>);

/// Lets everybody go on at once, in the namespace that this thread is in.
fn attacked(lab: &Lab, attacks: &[&'static Attack], time: Duration) -> Seen {
    let until = Instant::now() + time;
    let tallies: Vec<Tally> = attacks.iter().map(|_| Tally::default()).collect();
    let (honest, health, memory) = thread::scope(|scope| {
        for (index, (attack, tally)) in attacks.iter().zip(&tallies).enumerate() {
            scope.spawn(move || attack.make(index, tally, until));
        }
        let honest = honest::ALL.iter();
        let honest: Vec<_> = honest
            .map(|honest| (honest.name, scope.spawn(move || honest.ask_until(until))))
            .collect();
        let health = scope.spawn(move || Health::until(until));
        let memory = watch::memory(&lab.service, until);
        let honest = honest.into_iter();
        let honest = honest.map(|(name, asking)| (name, asking.join().expect("no panic")));
        (honest.collect(), health.join().expect("no panic"), memory)
    });
    (attacks.iter().copied().zip(tallies).collect(), honest, health, memory)
}

/// How many probes are under way when the last check must have ended, or none as soon as there are none.
fn probes_left_over() -> anyhow::Result<f64> {
    let ended = Instant::now();
    loop {
        let left_over = probes_in_flight()?;
        if left_over == 0.0 || ended.elapsed() > AFTER {
            return Ok(left_over);
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// What the service's metrics say of its probes.
fn probes_in_flight() -> anyhow::Result<f64> {
    let answer = lab::send(lab::PROXY, &lab::bare("GET", "/metrics", "Connection: close\r\n"))?;
    let text = String::from_utf8_lossy(&answer.body);
    let value = text.lines().find_map(|line| line.strip_prefix("port_checker_probes_in_flight "));
    value.and_then(|value| value.trim().parse().ok()).context("a metric of the service")
}
