//! How the tests run the command.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The command under test.
pub(crate) const PORT_CHECKER: &str = env!("CARGO_BIN_EXE_port-checker");

/// `port-checker` with these arguments, no settings but these, and a free port.
pub(crate) fn port_checker(args: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PORT_CHECKER);
    configure(command.args(args), settings);
    command
}

/// Sets the environment of a command that will be `port-checker`.
pub(crate) fn configure(command: &mut Command, settings: &[(&str, &str)]) {
    for (name, _) in std::env::vars() {
        if name.starts_with("PORT_CHECK") || name == "GOLEM_ENVIRONMENT" {
            command.env_remove(name);
        }
    }
    command.env("PORT_CHECKER_HOST", "127.0.0.1").env("PORT_CHECKER_PORT", "0");
    command.envs(settings.iter().copied());
}

/// A file of the repository.
pub(crate) fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}
