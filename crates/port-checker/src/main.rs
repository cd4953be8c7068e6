//! The `port-checker` command.

mod args;
mod attestation;
mod commands;
mod completions;
mod duration_words;
mod end_signals;
mod examples;
mod exit_status;
mod file_replacement;
mod health;
mod kept_statements;
mod local_checker;
mod logging;
mod manual;
mod monitor;
mod output;
mod pace;
mod progress;
mod report;
mod running_service;
mod serve;
mod service_manager;
mod settings;
mod socket_activation;
mod usage_error;
mod wait_board;

use std::{
    io::{IsTerminal, stdout},
    process::ExitCode,
};

use args::Command;
use clap::ArgMatches;
use exit_status::{FAILURE, NO_VERDICT};
use output::complain;

fn main() -> ExitCode {
    let command = args::parse();
    let failure = match command {
        Command::Verify(_) | Command::Check(_) | Command::VerifyStatements(_) => NO_VERDICT,
        _ => FAILURE,
    };
    let done = match command {
        Command::Serve(matches) => serve::serve(&matches),
        Command::ServeByDefault => {
            hint();
            serve::serve(&ArgMatches::default())
        }
        Command::Verify(args) => commands::verify(args),
        Command::Check(args) => commands::check(args),
        Command::VerifyStatements(args) => attestation::verify(args),
        Command::Health(matches) => health::health(&matches),
        Command::OpenApi => serve::print_openapi(),
        Command::Completions(shell) => completions::print_completions(shell),
        Command::Man => manual::print_page(),
    };
    done.unwrap_or_else(|error| {
        complain(format!("{error:#}"));
        ExitCode::from(failure)
    })
}

/// A person who starts the program by its name alone may look for another command. Not for the log of a service.
fn hint() {
    if stdout().is_terminal() {
        complain(
            "this serves others; to verify your own ports: port-checker verify 7466; more: port-checker --help",
        );
    }
}
