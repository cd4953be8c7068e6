//! What shells and man(1) want to know of the command line.

use anyhow::Context;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::args::parser;

/// Completions for a shell.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut parser(), "port-checker", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page, in roff: the command, and each of its subcommands in a section.
pub(crate) fn page() -> anyhow::Result<String> {
    let mut page = Vec::new();
    let mut command = parser();
    command.build();
    let render = |page: &mut Vec<u8>| -> std::io::Result<()> {
        let whole = Man::new(command.clone());
        whole.render_title(page)?;
        whole.render_name_section(page)?;
        whole.render_synopsis_section(page)?;
        whole.render_subcommands_section(page)?;
        whole.render_extra_section(page)?;
        for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let section = Man::new(subcommand.clone());
            section.render_synopsis_section(page)?;
            section.render_description_section(page)?;
            section.render_options_section(page)?;
            section.render_extra_section(page)?;
        }
        whole.render_version_section(page)
    };
    render(&mut page).context("cannot write the manual page")?;
    String::from_utf8(page).context("the manual page is not text")
}
