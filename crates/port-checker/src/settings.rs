//! Where settings come from: flags, the environment, `.env`.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::ArgMatches;
use port_checker_server::{Config, OpenFiles, SETTINGS, escaped};

mod dotenv;
mod environment_file;
mod kubernetes;

/// Read from the working directory, and only from there.
const FILE: &str = ".env";

/// How much of the name of a variable is shown, in characters.
const MAX_NAME_CHARS: usize = 100;

/// The values of the settings, each from the source that wins.
#[derive(Default)]
pub(crate) struct SettingSources {
    values: HashMap<String, Value>,
    /// The settings in `.env` that cannot be read.
    unreadable: Vec<String>,
    warnings: Vec<String>,
}

struct Value {
    text: String,
    /// The file and line it stands in, unless it is a flag or a variable of the environment.
    line: Option<String>,
}

impl SettingSources {
    /// A flag beats the environment, which beats `.env`.
    ///
    /// # Errors
    /// A variable is not Unicode.
    pub(crate) fn read(flags: &ArgMatches) -> anyhow::Result<Self> {
        let mut sources = Self::default();
        sources.add_dotenv(Path::new(FILE));
        let mut environment = environment(env::vars_os())?;
        sources.warnings.extend(kubernetes::pass_over(&mut environment));
        for (name, text) in environment {
            sources.values.insert(name, Value { text, line: None });
        }
        sources.add_flags(flags);
        Ok(sources)
    }

    /// The settings of a systemd unit with these environment files, the later ones winning, and these flags
    /// give to its service.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn read_environment_files<'a>(
        files: impl Iterator<Item = &'a PathBuf>,
        flags: &ArgMatches,
    ) -> anyhow::Result<Self> {
        let mut sources = Self::default();
        for file in files {
            // As in a unit, a file with a hyphen before it may be missing.
            let optional = file.to_str().and_then(|file| file.strip_prefix('-')).map(Path::new);
            let path = optional.unwrap_or(file);
            match fs::read(path) {
                // Lines that are not UTF-8 are none of ours; systemd passes over them too.
                Ok(bytes) => sources.add_environment_file(path, &String::from_utf8_lossy(&bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && optional.is_some() => {}
                Err(error) => bail!("cannot read {}: {error}", path.display()),
            }
        }
        sources.add_flags(flags);
        Ok(sources)
    }

    fn add_environment_file(&mut self, path: &Path, text: &str) {
        let reading = environment_file::read(text);
        let place = |line: usize| format!("{}, line {line}", path.display());
        let warnings = reading.warnings.into_iter();
        self.warnings.extend(warnings.map(|(line, said)| format!("{}: {said}", place(line))));
        let ours = reading.assignments.into_iter().filter(|(_, name, _)| is_ours(name));
        for (line, name, text) in ours {
            self.values.insert(name, Value { text, line: Some(place(line)) });
        }
    }

    fn add_flags(&mut self, flags: &ArgMatches) {
        for setting in SETTINGS {
            if let Ok(Some(text)) = flags.try_get_one::<String>(setting.variable) {
                let value = Value { text: text.clone(), line: None };
                self.values.insert(setting.variable.to_owned(), value);
            }
        }
    }

    /// It may belong to another program: only settings of this one count.
    fn add_dotenv(&mut self, path: &Path) {
        // Other things have this name too: a virtual environment of Python's is a directory.
        if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            return;
        }
        let contents = match fs::read(path) {
            Ok(contents) => contents,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.unreadable.push(format!("cannot read {}: {error}", path.display()));
            }
        };
        if contents.starts_with(b"\xff\xfe") || contents.starts_with(b"\xfe\xff") {
            let ignored = format!("{} is UTF-16 and is ignored; expected UTF-8", path.display());
            return self.warnings.push(ignored);
        }
        for dotenv::Line { number, name, value } in dotenv::lines(&contents, is_ours) {
            let line = format!("{}, line {number}", path.display());
            match value {
                Ok(text) => {
                    self.values.insert(name, Value { text, line: Some(line) });
                }
                Err(wrong) => self.unreadable.push(format!("{line}: {name}: {wrong}")),
            }
        }
    }

    /// The settings, all of them.
    ///
    /// # Errors
    /// Everything that cannot be used, with the line where it stands in a file.
    pub(crate) fn resolve(&self, files: OpenFiles) -> Result<Config, Vec<String>> {
        match (self.resolve_only(|_| true, files), self.unreadable.is_empty()) {
            (Ok(config), true) => Ok(config),
            (Ok(_), false) => Err(self.unreadable.clone()),
            (Err(rejected), _) => Err([self.unreadable.clone(), rejected].concat()),
        }
    }

    /// Settings of which only some are looked at.
    ///
    /// # Errors
    /// Those of them that cannot be used.
    pub(crate) fn resolve_only(
        &self,
        wanted: impl Fn(&str) -> bool,
        files: OpenFiles,
    ) -> Result<Config, Vec<String>> {
        let value = |variable: &str| self.values.get(variable).filter(|_| wanted(variable));
        let resolved = Config::resolve(|variable| Some(value(variable)?.text.clone()), files);
        resolved.map_err(|rejected| {
            let placed = rejected.iter().map(|setting| {
                let line = value(setting.variable).and_then(|value| value.line.as_ref());
                line.map_or(setting.to_string(), |line| format!("{line}: {setting}"))
            });
            placed.collect()
        })
    }

    /// Probable mistakes: variables that were skipped, and names that look like settings and are
    /// none.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.variable == name);
        let names = self.values.keys().filter(|name| name.starts_with(PREFIX) && !known(name));
        let mut unknown: Vec<_> = names
            .map(|name| {
                let name = escaped(name, MAX_NAME_CHARS);
                format!("{name} is set but is no setting of this service")
            })
            .collect();
        unknown.sort_unstable();
        [self.warnings.clone(), unknown].concat()
    }
}

/// The prefix of every setting but one.
const PREFIX: &str = "PORT_CHECK";

pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) || name == "GOLEM_ENVIRONMENT"
}

/// Those variables that are ours.
fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> anyhow::Result<HashMap<String, String>> {
    let mut ours = HashMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
        let Ok(value) = value.into_string() else {
            bail!("{}: the value is not Unicode", escaped(name, MAX_NAME_CHARS))
        };
        ours.insert(name.to_owned(), value);
    }
    Ok(ours)
}
