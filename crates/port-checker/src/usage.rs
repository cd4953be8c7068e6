//! What is said of a wrong command line.

use std::{
    env::args_os,
    io::{Write, stderr},
    process::exit,
};

use crate::terminal_safe;

/// Says what is wrong with the command line, or what it asks to be told, and exits. What is quoted of an
/// argument must not control the terminal, nor show a password.
pub(crate) fn stop(error: &clap::Error) -> ! {
    let said = error.render().to_string();
    let arguments = args_os().map(|argument| argument.to_string_lossy().into_owned());
    let shown = arguments.fold(said.clone(), |said, argument| match credentials(&argument) {
        Some(credentials) => said.replace(credentials, "***"),
        None => said,
    });
    let shown = terminal_safe(&shown);
    if !error.use_stderr() || shown == said {
        error.exit();
    }
    let _ = write!(stderr(), "{shown}");
    exit(error.exit_code());
}

/// What stands before the host of a URL in an argument.
fn credentials(argument: &str) -> Option<&str> {
    let (_, rest) = argument.split_once("://")?;
    rest.rsplit_once('@').map(|(credentials, _)| credentials).filter(|it| !it.is_empty())
}
