//! What an operator sees: the log and the metrics.

pub(crate) mod access_log;
pub(crate) mod check_summary;
pub(crate) mod log_budget;
pub(crate) mod metrics;
