//! What is said of a value that cannot be used.

use std::fmt;

use super::SETTINGS;
use crate::quote::escaped;

/// How much of a value is shown, in characters: an operator's lists may be long.
const MAX_VALUE_CHARS: usize = 1000;

/// A value that cannot be used. Shown with its control characters escaped, and without the value where
/// a secret may be in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidSetting {
    /// The setting.
    pub variable: &'static str,
    /// What it was set to; none where a secret may be in it.
    pub value: Option<String>,
    /// What would be accepted.
    pub expected: String,
}

impl InvalidSetting {
    /// Forgets a value that may be a secret.
    pub(super) fn new(variable: &'static str, value: String, expected: String) -> Self {
        let secret = SETTINGS.iter().any(|it| it.variable == variable && it.is_secret());
        Self { variable, value: Some(value).filter(|_| !secret), expected }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, expected } = self;
        match value {
            Some(value) => {
                write!(f, "{variable}: '{}' cannot be used", escaped(value, MAX_VALUE_CHARS))?;
            }
            None => {
                write!(f, "{variable}: what it is set to (a secret, not shown) cannot be used")?
            }
        }
        write!(f, "; expected {}", escaped(expected, MAX_VALUE_CHARS))
    }
}
