//! Settings that take one of a few words.

use port_checker_probe::Targets;

use super::model::LogFormat;

/// The words of `PORT_CHECKER_TARGETS`.
pub(super) const TARGETS: &[(&str, Targets)] =
    &[("public", Targets::Public), ("caller", Targets::Caller), ("any", Targets::Any)];

/// The words of `PORT_CHECKER_LOG_FORMAT`.
pub(super) const LOG_FORMATS: &[(&str, LogFormat)] =
    &[("text", LogFormat::Text), ("json", LogFormat::Json)];

/// The only words that a setting takes; none: it takes other values.
pub(super) fn choices(variable: &str, is_boolean: bool) -> Vec<&'static str> {
    match variable {
        "PORT_CHECKER_TARGETS" => TARGETS.iter().map(|(word, _)| *word).collect(),
        "PORT_CHECKER_LOG_FORMAT" => LOG_FORMATS.iter().map(|(word, _)| *word).collect(),
        _ if is_boolean => vec!["true", "false"],
        _ => Vec::new(),
    }
}
