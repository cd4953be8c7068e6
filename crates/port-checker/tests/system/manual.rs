//! The manual page, as man(1) shows it.

use std::{fs, process::Command};

use port_checker_testbed::skip;

use crate::program::port_checker;

/// The columns of the terminal: no line, of examples either, may be longer.
const WIDTH: usize = 80;

/// What man(1) shows of the page, and its warnings.
fn shown() -> (String, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("port-checker.1");
    let page = port_checker(&["man"], &[]).output().expect("the program starts");
    assert!(page.status.success());
    fs::write(&file, page.stdout).expect("a new file");
    let mut man = Command::new("man");
    man.args(["--warnings", "--encoding=ascii", "--no-hyphenation", "--local-file"]).arg(&file);
    man.env("MANWIDTH", WIDTH.to_string()).env("LC_ALL", "C").env_remove("MANROFFOPT");
    let output = man.output().expect("man(1) starts");
    assert!(output.status.success(), "{output:?}");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn man_reads_it_without_a_warning() {
    if !skip::has("man", "--version") {
        return;
    }
    let (page, warnings) = shown();
    assert_eq!(warnings, "");
    let widest = page.lines().map(str::len).max();
    assert!(widest.is_some_and(|widest| widest <= WIDTH), "{widest:?} columns: {page}");
    let sections: Vec<_> =
        page.lines().filter(|line| line.starts_with(char::is_alphabetic)).collect();
    let version = format!("port-checker {}", env!("CARGO_PKG_VERSION"));
    let last = sections.last().expect("a last line");
    assert!(last.starts_with(&version) && last.ends_with("PORT-CHECKER(1)"), "{last}");
    let (first, last) = (1, sections.len() - 1);
    let expected = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "PORT-CHECKER VERIFY",
        "PORT-CHECKER CHECK",
        "PORT-CHECKER ATTESTATION VERIFY",
        "PORT-CHECKER SERVE",
        "PORT-CHECKER HEALTH",
        "PORT-CHECKER OPENAPI",
        "PORT-CHECKER COMPLETIONS",
        "PORT-CHECKER MAN",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ];
    assert_eq!(sections[first..last], expected);
    for words in [
        "port-checker verify [OPTIONS] <PORTS>...",
        "--quorum <N>",
        "port-checker attestation verify [OPTIONS] --issuer",
        "[env: PORT_CHECKER_HOST]",
        "instead of the system's",
        "/etc/golem/port-checker.env",
        "130, 143",
        "systemd.service(5)",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}
