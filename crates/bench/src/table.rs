//! The table of measurements.

use std::{fs, path::Path};

use serde::Serialize;

/// The number of rounds and the results of each measurement; prints every row when it is known.
pub(crate) struct Table {
    pub(crate) rounds: usize,
    only: Option<String>,
    rows: Vec<Row>,
}

/// The goal of a row.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing is demanded of it.
    Known,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    /// The unit of the numbers; a ratio has none.
    unit: &'static str,
    goal: Goal,
    median: f64,
    min: f64,
    max: f64,
    samples: Vec<f64>,
}

impl Table {
    pub(crate) fn new(rounds: usize, only: Option<String>) -> Self {
        println!("{:<66} {:>9} {:>9} {:>9}  goal", "", "median", "min", "max");
        Self { rounds: rounds.max(1), only, rows: Vec::new() }
    }

    /// Whether any of these rows is asked for.
    pub(crate) fn wants(&self, names: &[&str]) -> bool {
        self.only.as_deref().is_none_or(|only| names.iter().any(|name| name.contains(only)))
    }

    /// Adds a row: a ratio if it has no unit.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        unit: &'static str,
        goal: Goal,
        samples: Vec<f64>,
    ) {
        let mut sorted = samples.clone();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        let row = Row { name, unit, goal, median: sorted[sorted.len() / 2], min, max, samples };
        let (name, goal) =
            (format!("{name}{}{unit}", if unit.is_empty() { "" } else { ", " }), words(goal));
        println!("{name:<66} {:>9.2} {min:>9.2} {max:>9.2}  {goal}", row.median);
        self.rows.push(row);
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        fs::write(path, serde_json::to_string_pretty(&self.rows)? + "\n")?;
        Ok(())
    }
}

fn words(goal: Goal) -> String {
    match goal {
        Goal::AtLeast(bound) => format!("at least {bound}"),
        Goal::AtMost(bound) => format!("at most {bound}"),
        Goal::Known => String::new(),
    }
}
