//! The README's example does what the README shows.

use std::{fs, process::Command};

use port_checker_testbed::{
    ports::{Held, Refusing},
    process::Service,
};

use crate::program::{port_checker, repository};

/// The ports the README uses, one open and one closed.
const IN_THE_README: [&str; 2] = ["9000", "9001"];

#[test]
fn the_example_prints_the_output_in_the_readme() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let example = block(&readme, "sh", "curl");
    let shown = block(&readme, "json", "\"results\"");
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let closed = Refusing::on("127.0.0.1".parse().unwrap());
    let ports = [service.address.port().to_string(), closed.port().to_string()];
    let here = |text: &str| {
        let marked = IN_THE_README
            .iter()
            .fold(text.to_owned(), |text, port| text.replace(port, &format!("<{port}>")));
        IN_THE_README
            .iter()
            .zip(&ports)
            .fold(marked, |text, (shown, here)| text.replace(&format!("<{shown}>"), here))
    };
    let output = Command::new("sh").args(["-c", &here(example)]).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed.trim(), here(shown).trim(), "{output:?}");
}

/// The first fenced block of `language` that contains `text`.
fn block<'a>(document: &'a str, language: &str, text: &str) -> &'a str {
    let fence = format!("```{language}\n");
    let blocks = document.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.contains(text)).expect("the README has the block")
}
