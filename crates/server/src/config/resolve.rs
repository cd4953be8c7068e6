//! From the texts of the settings to the settings in force.

use std::path::PathBuf;

use super::{
    invalid::InvalidSetting,
    load_keys,
    model::Config,
    open_files::OpenFiles,
    settings::SETTINGS,
    tls_identity::{TlsFiles, TlsIdentity},
};

impl Config {
    /// Resolves the settings: `value_of` returns the value of a variable, if it was set.
    ///
    /// # Errors
    /// Every value that cannot be used.
    pub fn resolve(
        value_of: impl Fn(&str) -> Option<String>,
        files: OpenFiles,
    ) -> Result<Self, Vec<InvalidSetting>> {
        let mut config = Self::default();
        config.policy.allow_local = value_of("GOLEM_ENVIRONMENT")
            .is_some_and(|environment| environment.eq_ignore_ascii_case("development"));
        config.max_in_flight = files.probes();
        let mut rejected = Vec::new();
        for setting in SETTINGS {
            let Some(value) = value_of(setting.variable) else { continue };
            if let Err(expected) = setting.apply(&mut config, &value) {
                rejected.push(InvalidSetting::new(setting.variable, value, expected));
            }
        }
        if config.max_in_flight > files.max_probes() {
            rejected.push(InvalidSetting::new(
                "PORT_CHECK_MAX_IN_FLIGHT",
                config.max_in_flight.to_string(),
                format!(
                    "at most {} with an open-file limit of {}",
                    files.max_probes(),
                    files.limit()
                ),
            ));
        }
        // A file that was rejected is set all the same.
        if !rejected.iter().any(|setting| setting.variable.starts_with("PORT_CHECKER_TLS_")) {
            rejected.extend(unusable_files(&config.tls));
        }
        if !rejected.iter().any(|setting| load_keys::owns(setting.variable)) {
            rejected.extend(load_keys::load_keys(&mut config).err());
        }
        config.bounds.connections = files.clients_beside(config.max_in_flight);
        if rejected.is_empty() { Ok(config) } else { Err(rejected) }
    }

    /// Every setting and its value in force.
    pub fn in_force(&self) -> impl Iterator<Item = (&'static str, String)> {
        SETTINGS.iter().map(|setting| (setting.variable, setting.show(self)))
    }
}

/// Why the files cannot be used together, if they cannot.
fn unusable_files(files: &TlsFiles) -> Option<InvalidSetting> {
    let alone = |variable, path: &PathBuf, other| {
        let value = path.display().to_string();
        InvalidSetting::new(variable, value, format!("{other} to be set too"))
    };
    match (&files.certificate, &files.key) {
        (Some(path), None) => Some(alone("PORT_CHECKER_TLS_CERT", path, "PORT_CHECKER_TLS_KEY")),
        (None, Some(path)) => Some(alone("PORT_CHECKER_TLS_KEY", path, "PORT_CHECKER_TLS_CERT")),
        (None, None) => None,
        (Some(_), Some(key)) => TlsIdentity::load(files).err().map(|error| {
            let expected =
                format!("the key of the first certificate in PORT_CHECKER_TLS_CERT: {error}");
            InvalidSetting::new("PORT_CHECKER_TLS_KEY", key.display().to_string(), expected)
        }),
    }
}

#[cfg(test)]
mod tests;
