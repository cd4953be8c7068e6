//! Messages about a wrong command line.

use std::{
    env::args_os,
    io::{Write, stderr},
    process::exit,
};

use anstream::adapter::strip_str;
use port_checker_server::escaped;

/// Prints the parser's message, which may be the help that was asked for, and exits. A quoted argument must not
/// control the terminal, nor show a password.
pub(crate) fn stop(error: &clap::Error) -> ! {
    let arguments = || args_os().map(|argument| argument.to_string_lossy().into_owned());
    let plain = |argument: String| is_harmless(&argument) && credentials(&argument).is_none();
    if !error.use_stderr() || arguments().all(plain) {
        error.exit();
    }
    // Without escape sequences, be they the parser's or an argument's.
    let said = arguments().fold(error.render().to_string(), |said, argument| {
        let value = argument.split_once('=').map_or(&*argument, |(_, value)| value);
        let printed = strip_str(value).to_string();
        let said = match is_harmless(value) || printed.is_empty() {
            true => said,
            false => said.replace(&printed, &escaped(value, usize::MAX)),
        };
        credentials(value).map_or(said.clone(), |credentials| said.replace(credentials, "***"))
    });
    // A parser may have put control characters of a value into its message.
    for line in said.lines() {
        let _ = writeln!(stderr(), "{}", escaped(line, usize::MAX));
    }
    exit(error.exit_code());
}

fn is_harmless(argument: &str) -> bool {
    escaped(argument, usize::MAX) == argument
}

/// The text before the host of a URL.
fn credentials(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    rest.rsplit_once('@').map(|(credentials, _)| credentials).filter(|it| !it.is_empty())
}
