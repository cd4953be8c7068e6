//! The `port-checker` command.

mod args;
mod handed_over;
mod health;
mod inquiry;
mod local_checker;
mod logging;
mod manual;
mod progress;
mod report;
mod running_service;
mod serve;
mod service_manager;
mod settings;
mod usage;

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write, stderr, stdout},
    process::ExitCode,
};

use anyhow::Context;
use args::Command;
use port_checker_server::escaped;

/// A failure other than of a setting.
const FAILURE: u8 = 1;

/// The same of a command whose status 1 says something about ports.
const NO_VERDICT: u8 = 3;

/// A setting or an argument that cannot be used.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let command = args::parse();
    let failure = match command {
        Command::Verify(_) | Command::Check(_) => NO_VERDICT,
        _ => FAILURE,
    };
    let done = match command {
        Command::Serve(matches) => serve::serve(&matches),
        Command::Verify(args) => inquiry::verify(args),
        Command::Check(args) => inquiry::check(args),
        Command::Health(matches) => health::health(&matches),
        Command::OpenApi => serve::print_openapi(),
        Command::Completions(shell) => print(&manual::completions(shell)),
        Command::Man => manual::page().and_then(|page| print(&page)),
    };
    done.unwrap_or_else(|error| {
        complain(format!("{error:#}"));
        ExitCode::from(failure)
    })
}

/// Says what is wrong, on one line of standard error; if that is gone too, the exit status has to do.
/// What it quotes, such as a path, must not control the terminal.
fn complain(complaint: impl Display) {
    let complaint = escaped(&complaint.to_string(), usize::MAX);
    let _ = writeln!(stderr(), "port-checker: {complaint}");
}

/// Prints a document.
fn print(document: &str) -> anyhow::Result<ExitCode> {
    finish_writing(stdout().write_all(document.as_bytes()).and_then(|()| stdout().flush()))?;
    Ok(ExitCode::SUCCESS)
}

/// That the reader of standard output has had enough is no failure.
fn finish_writing(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
