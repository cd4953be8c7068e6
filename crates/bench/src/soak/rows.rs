//! Rows of the table of `scripts/bench`: how fast `/health` answers during attacks.

use std::{
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::skip;

use super::{
    attack::{Attack, Tally},
    attacks,
    lab::Lab,
    watch::Health,
};
use crate::table::{Goal, Table};

/// For how long `/health` is watched, unloaded and under attack.
const WATCHED: Duration = Duration::from_secs(5);

/// For how long an attack goes on before.
const AHEAD: Duration = Duration::from_secs(5);

/// How often at most each of them is measured.
const ROUNDS: usize = 3;

/// A ratio and a time for each kind whose goal is that others are answered.
const ROWS: [(char, &str, &str); 3] = [
    (
        'A',
        "/health at the 99th percentile: beside costly certificates / alone",
        "the same beside costly certificates",
    ),
    (
        'B',
        "/health at the 99th percentile: beside unread answers / alone",
        "the same beside unread answers",
    ),
    (
        'C',
        "/health at the 99th percentile: beside heads and bodies / alone",
        "the same beside heads and bodies",
    ),
];

/// `/health` during attacks of the kinds A, B and C, each on its own.
pub(crate) fn health_under_attack(table: &mut Table) -> anyhow::Result<()> {
    for (kind, ratio, absolute) in ROWS {
        if !table.wants(&[ratio, absolute]) || !skip::is_root() {
            continue;
        }
        let attacks: Vec<_> = attacks::all().into_iter().filter(|a| a.kind == kind).collect();
        let (mut ratios, mut times) = (Vec::new(), Vec::new());
        for _ in 0..table.rounds.min(ROUNDS) {
            let lab = Lab::new()?;
            let alone = lab.world.within(|| Health::until(Instant::now() + WATCHED));
            let beside = lab.world.within(|| beside(&attacks));
            ratios.push(beside.quantile(0.99) / alone.quantile(0.99));
            times.push(beside.quantile(0.99) * 1e3);
        }
        table.add(ratio, "", Goal::Known, ratios);
        // 100 ms are wanted, but a time of a shared machine decides nothing.
        table.add(absolute, "ms", Goal::Known, times);
    }
    Ok(())
}

/// Watches while the attacks go on.
fn beside(attacks: &[&'static Attack]) -> Health {
    let until = Instant::now() + AHEAD + WATCHED;
    thread::scope(|scope| {
        for (index, attack) in attacks.iter().enumerate() {
            scope.spawn(move || attack.make(index, &Tally::default(), until));
        }
        thread::sleep(AHEAD);
        Health::until(until)
    })
}
