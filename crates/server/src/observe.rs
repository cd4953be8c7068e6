//! The log and the metrics, for the operator.

pub(crate) mod access_log;
pub(crate) mod check_summary;
pub(crate) mod log_budget;
mod log_line;
pub(crate) mod metrics;
pub(crate) mod request_id;
