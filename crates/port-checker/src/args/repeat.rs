//! The flags of a verification that repeats.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::NonEmptyStringValueParser};

use super::values::interval;

/// Whether to verify again and again, and whom to tell.
#[derive(Args)]
pub(crate) struct RepeatArgs {
    /// Repeat the verification for ever: every 15m, 1h, 90s, and up to a tenth of that later, at random. For
    /// checkers outside the local network at least 60s, and 0.2 seconds for each port
    #[arg(long, value_name = "DURATION", value_parser = interval, conflicts_with_all = ["wait", "map"])]
    pub(crate) every: Option<Duration>,
    /// With --every: run this command with sh when the verdict about a port or the status changes, and after
    /// the first round if a port is not reachable. The result is in its environment: PORT_CHECKER_STATUS,
    /// PORT_CHECKER_UNREACHABLE and others
    #[arg(long, value_name = "CMD", requires = "every")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) exec: Option<String>,
    /// With --every: write the latest result to this file, for the textfile collector of Prometheus' node
    /// exporter, which reads files whose names end in .prom
    #[arg(long, value_name = "FILE", requires = "every")]
    pub(crate) textfile: Option<PathBuf>,
}
