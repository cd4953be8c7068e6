//! The result of a soak: the table, and the rules that were broken.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    attack::{Attack, Tally},
    honest::Served,
    service::documented_memory,
    watch::Health,
};

const MIB: f64 = 1024.0 * 1024.0;

/// All that was seen.
pub(crate) struct Report {
    pub(super) time: Duration,
    pub(super) attacks: Vec<(&'static Attack, Tally)>,
    pub(super) honest: Vec<(&'static str, Served)>,
    pub(super) unloaded: Health,
    pub(super) loaded: Health,
    /// Once a second, in bytes.
    pub(super) memory: Vec<f64>,
    pub(super) peak: f64,
    pub(super) log_lines: u64,
    pub(super) log_bytes: u64,
    /// Probes that were still under way when the deadline of the last check was over.
    pub(super) left_over: f64,
}

/// How much more memory the last quarter of the time may take than the second: the memory that an allocator keeps
/// varies.
const FLAT: f64 = 1.25;
/// The same for a service that takes little, in bytes.
const NEARLY_NOTHING: f64 = 16.0 * MIB;

/// How long `/health` may take at the 99th percentile, in milliseconds, whatever it takes unloaded, and how
/// many times as long as unloaded on a machine that is slower.
const SLOW_HEALTH_MS: f64 = 100.0;
const MAX_HEALTH_RATIO: f64 = 25.0;

/// The largest average length of a line of the log, in bytes.
const LINE_BYTES: u64 = 400;

impl Report {
    /// Lines that the log may have: its budgets for all callers, as `docs/settings.md` tells them, and
    /// the report every ten seconds of lines that were left out.
    fn most_lines(&self) -> u64 {
        const AT_ONCE: u64 = 500 + 10_000;
        const A_SECOND: u64 = 50 + 500 + 3;
        AT_ONCE + A_SECOND * (self.time.as_secs() + 60)
    }

    /// The most memory of a part of the time, in bytes.
    fn most_of(&self, quarter: usize) -> f64 {
        let length = self.memory.len();
        let part = &self.memory[length * quarter / 4..length * (quarter + 1) / 4];
        part.iter().copied().fold(0.0, f64::max)
    }

    /// Prints the table; returns the rules that were broken.
    pub(crate) fn print(&self) -> Vec<String> {
        println!("{:<4} {:<40} {:>8}  came to", "", "attacks", "tried");
        for (attack, tally) in &self.attacks {
            let tried = tally.tried.load(Ordering::Relaxed);
            println!("{:<4} {:<40} {tried:>8}  {}", attack.kind, attack.name, tally.summary());
        }
        self.print_honest();
        self.print_health();
        self.print_memory();
        let (lines, bytes) = (self.log_lines, self.log_bytes);
        println!("\nlog: {lines} lines, {bytes} bytes; at most {} lines", self.most_lines());
        println!("probes under way after all deadlines: {}", self.left_over);
        self.broken()
    }

    fn print_honest(&self) {
        let columns = ["checks", "wrong", "refused", "> 8 s", "slowest, s"];
        let [made, wrong, refused, late, slowest] = columns;
        println!(
            "\n{:<45} {made:>8} {wrong:>8} {refused:>8} {late:>8} {slowest:>10}",
            "honest callers"
        );
        for (name, Served { made, wrong, refused, late, slowest, examples }) in &self.honest {
            let slowest = slowest.as_secs_f64();
            println!("{name:<45} {made:>8} {wrong:>8} {refused:>8} {late:>8} {slowest:>10.2}");
            for example in examples {
                println!("      {example}");
            }
        }
    }

    fn print_health(&self) {
        println!(
            "\n{:<45} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "/health, ms", "looks", "missing", "median", "99 %", "slowest"
        );
        for (name, health) in [("unloaded", &self.unloaded), ("under attack", &self.loaded)] {
            let [median, most, slowest] = [0.5, 0.99, 1.0].map(|part| health.quantile(part) * 1e3);
            let (looks, missing) = (health.count(), health.missing);
            println!("{name:<45} {looks:>8} {missing:>8} {median:>8.2} {most:>8.2} {slowest:>8.2}");
        }
        let ratio = |part| self.loaded.quantile(part) / self.unloaded.quantile(part);
        let (name, median, most, slowest) = ("ratio", ratio(0.5), ratio(0.99), ratio(1.0));
        println!("{name:<45} {:>8} {:>8} {median:>8.2} {most:>8.2} {slowest:>8.2}", "", "");
    }

    fn print_memory(&self) {
        println!("\nresident memory, MiB");
        for (minute, reading) in self.memory.iter().step_by(60).enumerate() {
            println!("{:<45} {:>8.1}", format!("after {minute} minutes"), reading / MIB);
        }
        let last = self.memory.last().copied().unwrap_or_default();
        println!("{:<45} {:>8.1}", "at the end", last / MIB);
        for quarter in 0..4 {
            let most = self.most_of(quarter) / MIB;
            println!(
                "{:<45} {most:>8.1}",
                format!("at most in quarter {} of the time", quarter + 1)
            );
        }
        println!("{:<45} {:>8.1}", "at most", self.peak / MIB);
        println!("{:<45} {:>8.1}", "documented sum", documented_memory() as f64 / MIB);
    }

    fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut rule = |kept: bool, words: String| {
            if !kept {
                broken.push(words);
            }
        };
        for (name, served) in &self.honest {
            rule(served.made > 0, format!("{name}: asked nothing"));
            rule(served.wrong == 0, format!("{name}: {} wrong answers", served.wrong));
            rule(served.refused == 0, format!("{name}: refused {} times", served.refused));
        }
        for (attack, tally) in &self.attacks {
            let tried = tally.tried.load(Ordering::Relaxed);
            rule(tried > 0, format!("{} was never tried", attack.name));
        }
        let missing = self.unloaded.missing + self.loaded.missing;
        rule(missing == 0, format!("/health did not answer {missing} times"));
        let [calm, loaded] =
            [&self.unloaded, &self.loaded].map(|health| health.quantile(0.99) * 1e3);
        rule(
            loaded <= SLOW_HEALTH_MS || loaded <= calm * MAX_HEALTH_RATIO,
            format!("/health took {loaded:.0} ms at the 99th percentile, {calm:.1} ms unloaded"),
        );
        let sum = documented_memory() as f64;
        rule(self.peak <= sum, format!("memory came to {:.0} MiB", self.peak / MIB));
        let (early, late) = (self.most_of(1), self.most_of(3));
        rule(
            late <= (early * FLAT).max(early + NEARLY_NOTHING),
            format!("memory grew from {:.0} to {:.0} MiB", early / MIB, late / MIB),
        );
        let lines = self.most_lines();
        rule(self.log_lines <= lines, format!("the log has {} lines", self.log_lines));
        rule(self.log_bytes <= lines * LINE_BYTES, format!("the log has {} bytes", self.log_bytes));
        rule(self.left_over == 0.0, format!("{} probes were left over", self.left_over));
        broken
    }
}
