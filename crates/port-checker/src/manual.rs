//! The manual page.

use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, roman},
};

use crate::{
    args::{NAME, parser_without_examples},
    examples::EXAMPLES,
    output::print,
};

mod sections;

use sections::{DESCRIPTION, DOCUMENTATION, ENVIRONMENT, EXIT_STATUS, Entry, FILES, SEE_ALSO};

/// The head: name, section, no date, source and manual.
const TITLE: &str = concat!(
    r#".TH PORT-CHECKER 1 "" "port-checker "#,
    env!("CARGO_PKG_VERSION"),
    "\" \"User Commands\"\n"
);

/// Prints the manual page.
pub(crate) fn print_page() -> anyhow::Result<ExitCode> {
    print(&page()?)?;
    Ok(ExitCode::SUCCESS)
}

/// The manual page, in roff: the program, and each of its commands in a separate section.
fn page() -> anyhow::Result<String> {
    let mut program = parser_without_examples();
    program.build();
    let commands = || program.get_subcommands().flat_map(leaves);
    let mut page = TITLE.to_owned();
    let mut name = Vec::new();
    Man::new(program.clone())
        .render_name_section(&mut name)
        .context("cannot write the manual page")?;
    page += &text(name)?;
    page += &synopsis(commands());
    page += &description();
    for command in commands() {
        page += &section(command)?;
    }
    page += &entries("EXIT STATUS", &EXIT_STATUS);
    page += &entries("ENVIRONMENT", &ENVIRONMENT);
    page += &paragraph("The settings of serve are variables too: each is named at its flag.");
    page += &entries("FILES", &FILES);
    page += &examples();
    Ok(page + &see_also())
}

/// The commands below a command, or itself if there are none. The one that only shows help is left out.
fn leaves(command: &Command) -> Vec<&Command> {
    match command.get_name() {
        "help" => Vec::new(),
        _ if command.has_subcommands() => command.get_subcommands().flat_map(leaves).collect(),
        _ => vec![command],
    }
}

fn synopsis<'a>(commands: impl Iterator<Item = &'a Command>) -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]).control("nf", []);
    for command in commands {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").split_once(' ').map(|(_, rest)| rest);
        roff.text([bold(NAME), roman(format!(" {}", usage.unwrap_or_default()))]);
    }
    roff.control("fi", []).render()
}

fn description() -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    for (index, paragraph) in DESCRIPTION.into_iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph)]);
    }
    roff.render()
}

/// A command, whose own sections become subsections.
fn section(command: &Command) -> anyhow::Result<String> {
    let mut section = Vec::new();
    let man = Man::new(command.clone());
    let notes = |out: &mut Vec<u8>| match command.get_after_help() {
        Some(_) => man.render_extra_section(out),
        None => Ok(()),
    };
    man.render_options_section(&mut section)
        .and_then(|()| notes(&mut section))
        .context("cannot write a section of the manual page")?;
    let subsections = text(section)?.replace(".SH ", ".SS ").replace("EXTRA", "NOTES");
    let mut head = Roff::new();
    let name = command.get_bin_name().unwrap_or(NAME).to_uppercase();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    head.control("SH", [name.as_str()]).text([roman(sentence(&about))]);
    Ok(head.render() + &subsections)
}

fn entries(name: &str, entries: &[Entry]) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [name]);
    for (term, meaning) in entries {
        roff.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
    }
    roff.render()
}

fn paragraph(words: &str) -> String {
    let mut roff = Roff::new();
    roff.control("PP", []).text([roman(words)]).render()
}

fn examples() -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for (index, example) in EXAMPLES.iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.control("nf", []).text([bold(example.line)]).control("fi", []);
        roff.control("RS", []).text([roman(sentence(example.purpose))]).control("RE", []);
    }
    roff.render()
}

fn see_also() -> String {
    let pages = SEE_ALSO.iter().enumerate().flat_map(|(index, (name, section))| {
        let comma = if index == 0 { "" } else { ", " };
        [roman(comma), bold(*name), roman(format!("({section})"))]
    });
    let pages: Vec<Inline> = pages.collect();
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text(pages).control("PP", []).text([roman(DOCUMENTATION)]);
    roff.render()
}

fn sentence(words: &str) -> String {
    let end = if words.ends_with('?') { "" } else { "." };
    format!("{words}{end}")
}

fn text(roff: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(roff).context("the manual page is not text")
}
