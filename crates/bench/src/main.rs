//! The cost of the port checker beside the kernel alone and its peers: one table of ratios from
//! interleaved rounds of one run, and plots of how cost grows.
//!
//! `scripts/bench` runs it. Absolute times of a shared machine mean little; only the ratios travel.
//! `scripts/soak` runs [`soak`]: all attacks at once.
#![expect(clippy::print_stdout, reason = "prints its table")]

mod comparison;
mod growth;
mod load;
mod measures;
mod plot;
mod service;
mod soak;
mod table;
mod yardstick;

use std::path::PathBuf;

use clap::Parser;
use port_checker_testbed::skip;

use table::Table;

/// Measures the port-checker that lies beside this program.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Makes all attacks at once against the service, with honest callers beside.
    Soak(soak::Args),
    #[command(flatten)]
    Yardstick(yardstick::Command),
}

#[derive(clap::Args)]
struct Run {
    /// Where to write ratios.json and the plots.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// How often everything is measured.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Measure only those whose name contains this.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let Args { command, run } = Args::parse();
    match command {
        Some(Command::Soak(args)) => {
            rlimit::increase_nofile_limit(u64::MAX)?;
            soak::run(&args)
        }
        Some(Command::Yardstick(yardstick)) => yardstick.run(),
        None => measure(&run),
    }
}

fn measure(run: &Run) -> anyhow::Result<()> {
    std::fs::create_dir_all(&run.out)?;
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut table = Table::new(run.rounds, run.only.clone());
    measures::all(&mut table)?;
    let comparison = measures::over_long_lines(&mut table)?;
    table.write(&run.out.join("ratios.json"))?;
    comparison.write(&run.out.join("long-line.json"))?;
    if table.wants(&["growth"]) && skip::is_root() {
        growth::draw(&run.out)?;
    }
    Ok(())
}
