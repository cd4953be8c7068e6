//! The manual page.

use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;

use crate::{args::parser, output::print};

/// Prints the manual page.
pub(crate) fn print_page() -> anyhow::Result<ExitCode> {
    print(&page()?)?;
    Ok(ExitCode::SUCCESS)
}

/// The manual page, in roff: the command, and each of its subcommands in a separate section.
fn page() -> anyhow::Result<String> {
    let mut command = parser();
    command.build();
    let mut page = Vec::new();
    let whole = Man::new(command.clone());
    whole
        .render_title(&mut page)
        .and_then(|()| whole.render_name_section(&mut page))
        .and_then(|()| whole.render_synopsis_section(&mut page))
        .and_then(|()| whole.render_extra_section(&mut page))
        .context("cannot write the manual page")?;
    let mut page = String::from_utf8(page).context("the manual page is not text")?;
    for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
        page += &section(subcommand)?;
    }
    Ok(page.replace("EXTRA", "NOTES"))
}

/// A subcommand, whose own sections become subsections.
fn section(subcommand: &Command) -> anyhow::Result<String> {
    let mut section = Vec::new();
    let man = Man::new(subcommand.clone());
    man.render_synopsis_section(&mut section)
        .and_then(|()| man.render_description_section(&mut section))
        .and_then(|()| man.render_options_section(&mut section))
        .and_then(|()| man.render_extra_section(&mut section))
        .context("cannot write a section of the manual page")?;
    let section = String::from_utf8(section).context("the manual page is not text")?;
    let section = section.replace(".SH ", ".SS ");
    let name = subcommand.get_name().to_uppercase();
    Ok(format!(".SH \"PORT\\-CHECKER {name}\"\n{section}"))
}
