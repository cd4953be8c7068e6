//! What is said of a wrong command line.

use std::{
    env::args_os,
    io::{Write, stderr},
    process::exit,
};

use anstream::adapter::strip_str;
use port_checker_server::escaped;

/// Says what is wrong with the command line, or what it asks to be told, and exits. What is quoted of an
/// argument must not control the terminal, nor show a password.
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
    // What a parser made of a value may have control characters too.
    for line in said.lines() {
        let _ = writeln!(stderr(), "{}", escaped(line, usize::MAX));
    }
    exit(error.exit_code());
}

fn is_harmless(argument: &str) -> bool {
    escaped(argument, usize::MAX) == argument
}

/// What stands before the host of a URL.
fn credentials(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    rest.rsplit_once('@').map(|(credentials, _)| credentials).filter(|it| !it.is_empty())
}
