//! Where settings come from: flags, the environment, `.env`.

use std::{collections::HashMap, env, io, path::Path};

use anyhow::{anyhow, bail};
use clap::ArgMatches;
use port_checker_server::SETTINGS;

/// Read from the working directory, and only from there.
const FILE: &str = ".env";

/// What the settings were set to, by whichever source wins.
pub(crate) struct Given {
    values: HashMap<String, String>,
}

impl Given {
    /// A flag beats the environment, which beats `.env`.
    ///
    /// # Errors
    /// `.env` cannot be read, or a variable is not Unicode.
    pub(crate) fn read(flags: &ArgMatches) -> anyhow::Result<Self> {
        let mut values = file(Path::new(FILE))?;
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            let Ok(value) = value.into_string() else { bail!("{name}: the value is not Unicode") };
            values.insert(name.to_owned(), value);
        }
        for setting in SETTINGS {
            if let Ok(Some(value)) = flags.try_get_one::<String>(setting.variable) {
                values.insert(setting.variable.to_owned(), value.clone());
            }
        }
        Ok(Self { values })
    }

    /// What `variable` was set to.
    pub(crate) fn value(&self, variable: &str) -> Option<String> {
        self.values.get(variable).cloned()
    }

    /// Variables that look like settings and are none: probably misspelt.
    pub(crate) fn unknown(&self) -> Vec<&str> {
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.variable == name);
        let names = self.values.keys().map(String::as_str);
        let mut unknown: Vec<_> =
            names.filter(|name| name.starts_with("PORT_CHECK") && !known(name)).collect();
        unknown.sort_unstable();
        unknown
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("PORT_CHECK") || name == "GOLEM_ENVIRONMENT"
}

/// Other people's variables may be in the file too: an error does not quote it.
fn file(path: &Path) -> anyhow::Result<HashMap<String, String>> {
    let unreadable = |error: dotenvy::Error| match error {
        dotenvy::Error::Io(error) => anyhow!("{}: {error}", path.display()),
        _ => anyhow!(
            "{}: a line is not of the form NAME=value; quote a value with blanks or quotes in it",
            path.display()
        ),
    };
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(dotenvy::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(HashMap::new());
        }
        Err(error) => return Err(unreadable(error)),
    };
    let ours = lines.filter(|line| line.as_ref().map_or(true, |(name, _)| is_ours(name)));
    ours.collect::<Result<_, _>>().map_err(unreadable)
}
