//! Completions for shells: those of clap_complete 4.6, with its faults corrected. The tests call them in the shells.

use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use clap_complete::{Shell, generate};

use crate::{
    args::{NAME, parser},
    output::print,
};

/// How the script for bash labels the subcommands of a program with a hyphen in its name, and how the same script
/// calls the labels: nothing behind a subcommand would be completed (<https://github.com/clap-rs/clap/issues/6421>).
const WRONG_LABEL: &str = "port__subcmd__checker__subcmd__";
const LABEL: &str = "port__checker__subcmd__";

/// How the script for zsh declares ports and files: with two colons, zsh would complete no option behind the first one.
const LAST_ARGUMENTS: [&str; 2] = ["'*::ports ", "'*::files "];
const ARGUMENTS: [&str; 2] = ["'*:ports ", "'*:files "];

/// The end of the list of commands behind `help` after which fish is to complete no further one. The list must not
/// have `help` in it, which has always been seen there.
const SEEN_WITH_HELP: &str = " help\" -f";
const SEEN: &str = "\" -f";

/// Prints completions for a shell.
pub(crate) fn print_completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(shell, &mut parser(), NAME, &mut script);
    let script = String::from_utf8(script).context("the completions are not text")?;
    print(&match shell {
        Shell::Bash => script.replace(WRONG_LABEL, LABEL),
        Shell::Zsh => LAST_ARGUMENTS
            .into_iter()
            .zip(ARGUMENTS)
            .fold(script, |script, (last, all)| script.replace(last, all)),
        Shell::Fish => script.replace(SEEN_WITH_HELP, SEEN) + &shells_in_fish(),
        _ => script,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The names of the shells behind `completions`: clap_complete has no arguments without a flag for fish.
fn shells_in_fish() -> String {
    let shells: Vec<_> = Shell::value_variants().iter().map(ToString::to_string).collect();
    let condition = "__fish_port_checker_using_subcommand completions";
    format!("complete -c {NAME} -n \"{condition}\" -f -a \"{}\"\n", shells.join(" "))
}
