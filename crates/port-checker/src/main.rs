//! The `port-checker` command.

mod args;
mod logging;
mod serve;
mod settings;

use std::process::ExitCode;

use args::Command;

/// A start that failed for a reason other than a setting.
const FAILURE: u8 = 1;

#[expect(clippy::print_stderr, reason = "the last word of a program that fails")]
fn main() -> ExitCode {
    let done = match args::parse() {
        Command::Serve(matches) => serve::serve(&matches),
        Command::OpenApi => serve::print_openapi(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("port-checker: {error:#}");
        ExitCode::from(FAILURE)
    })
}
