//! The form of a setting.

use super::{choices::choices, model::Config};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable.
    pub variable: &'static str,
    /// Its effect, its unit and its range.
    pub help: &'static str,
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
    pub(super) show: fn(&Config) -> String,
}

impl Setting {
    /// The flag of `serve`: `PORT_CHECKER_HOST` is `host`, `PORT_CHECK_RETRIES` is `check-retries`.
    pub fn flag(&self) -> String {
        let name = self.variable.strip_prefix("PORT_CHECKER_");
        let name = name.or_else(|| self.variable.strip_prefix("PORT_")).unwrap_or(self.variable);
        name.to_lowercase().replace('_', "-")
    }

    /// Whether the setting is `true` or `false`.
    pub fn is_boolean(&self) -> bool {
        ["true", "false"].contains(&self.show(&Config::default()).as_str())
    }

    /// The only words that it takes; none: it takes other values.
    pub fn choices(&self) -> Vec<&'static str> {
        choices(self.variable, self.is_boolean())
    }

    /// Whether a value may hold a secret, so that no message quotes it.
    pub fn is_secret(&self) -> bool {
        self.variable == "PORT_CHECKER_REDIS_URL"
    }

    /// The value in force.
    pub fn show(&self, config: &Config) -> String {
        (self.show)(config)
    }

    pub(super) fn apply(&self, config: &mut Config, value: &str) -> Result<(), String> {
        (self.set)(config, value)
    }
}

/// Groups of settings, one after another; `N` is their number.
pub(super) const fn joined<const N: usize>(groups: &[&[Setting]]) -> [Setting; N] {
    let mut all = [groups[0][0]; N];
    let (mut group, mut next) = (0, 0);
    while group < groups.len() {
        let mut index = 0;
        while index < groups[group].len() {
            all[next] = groups[group][index];
            index += 1;
            next += 1;
        }
        group += 1;
    }
    assert!(next == N, "the number is that of the settings");
    all
}
