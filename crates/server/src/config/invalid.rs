//! The message about a value that cannot be used.

use std::fmt;

use super::settings::SETTINGS;
use crate::quote::escaped;

/// How much of a value is shown, in characters: an operator's lists may be long.
const MAX_VALUE_CHARS: usize = 1000;

/// The beginning of a PEM file (RFC 7468, section 2).
const PEM_BEGINNING: &str = "-----BEGIN";

/// A value that cannot be used. Shown with its control characters escaped, and without the value where
/// a secret may be in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidSetting {
    /// The setting.
    pub variable: &'static str,
    /// The value; none if a secret may be in it.
    pub value: Option<String>,
    /// The values that would be accepted.
    pub expected: String,
}

impl InvalidSetting {
    /// Forgets a value that may be a secret: by its setting, or by its form.
    pub(super) fn new(variable: &'static str, value: String, expected: String) -> Self {
        let secret = SETTINGS.iter().any(|it| it.variable == variable && it.is_secret());
        // The message about a list quotes one of its parts.
        let parts = value.split(',').map(str::trim).filter(|part| may_be_secret(part));
        let expected = parts.fold(expected, |expected, part| expected.replace(part, "…"));
        let value = Some(value).filter(|value| !secret && !may_be_secret(value));
        Self { variable, value, expected }
    }
}

/// Whether a value of any setting is a private key instead of the path of its file, or an address
/// with a password.
fn may_be_secret(value: &str) -> bool {
    let has_credentials = value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    value.contains(PEM_BEGINNING) || has_credentials
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, expected } = self;
        match value {
            Some(value) => {
                write!(f, "{variable}: '{}' cannot be used", escaped(value, MAX_VALUE_CHARS))?;
            }
            None => write!(f, "{variable}: its value (a secret, not shown) cannot be used")?,
        }
        write!(f, "; expected {}", escaped(expected, MAX_VALUE_CHARS))
    }
}
