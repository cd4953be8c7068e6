//! Programs side by side at the same task: what each of them needed and got wrong.

use std::{fs, path::Path};

use serde::Serialize;

/// What one run of one program came to. None of what was not measured.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Measurement {
    pub(crate) seconds: f64,
    /// Processor time for each port or each check.
    pub(crate) cpu_us: f64,
    /// Open ports that were not found.
    pub(crate) open_missed: Option<usize>,
    /// Ports that were judged otherwise than they are, among them the open ones that were missed. A port
    /// is silent if all its answers were lost.
    pub(crate) wrong: Option<usize>,
}

/// All tasks and programs; prints every line when it is known.
#[derive(Default)]
pub(crate) struct Comparison {
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    task: String,
    program: &'static str,
    /// Medians.
    seconds: f64,
    cpu_us: f64,
    /// Sums of all rounds.
    open_missed: Option<usize>,
    wrong: Option<usize>,
    rounds: Vec<Measurement>,
}

impl Comparison {
    /// Adds what the rounds of a program came to, if there were any.
    pub(crate) fn add(&mut self, task: &str, program: &'static str, rounds: Vec<Measurement>) {
        if rounds.is_empty() {
            return;
        }
        let sum = |of: fn(&Measurement) -> Option<usize>| rounds.iter().map(of).sum();
        let row = Row {
            task: task.to_owned(),
            program,
            seconds: median(rounds.iter().map(|round| round.seconds)),
            cpu_us: median(rounds.iter().map(|round| round.cpu_us)),
            open_missed: sum(|round| round.open_missed),
            wrong: sum(|round| round.wrong),
            rounds,
        };
        if self.rows.last().is_none_or(|last| last.task != row.task) {
            println!(
                "\n{:<58} {:>9} {:>9} {:>9} {:>9}",
                row.task, "seconds", "CPU µs", "missed", "wrong"
            );
        }
        let count =
            |count: Option<usize>| count.map_or_else(String::new, |count| count.to_string());
        println!(
            "    {:<54} {:>9.2} {:>9.1} {:>9} {:>9}",
            row.program,
            row.seconds,
            row.cpu_us,
            count(row.open_missed),
            count(row.wrong)
        );
        self.rows.push(row);
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        fs::write(path, serde_json::to_string_pretty(&self.rows)? + "\n")?;
        Ok(())
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
