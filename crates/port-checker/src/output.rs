//! Documents on standard output, and complaints on standard error.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write, stderr, stdout},
};

use anyhow::Context;
use port_checker_server::escaped;

/// Reports a problem on one line of standard error; if that is closed, the exit status remains.
/// A quoted path or value must not control the terminal.
pub(crate) fn complain(complaint: impl Display) {
    let complaint = escaped(&complaint.to_string(), usize::MAX);
    let _ = writeln!(stderr(), "port-checker: {complaint}");
}

/// Prints a document.
pub(crate) fn print(document: &str) -> anyhow::Result<()> {
    finish_writing(stdout().write_all(document.as_bytes()).and_then(|()| stdout().flush()))
}

/// Prints a part of a document that has no end; colours are for a terminal.
///
/// # Errors
/// It cannot be written; [`ErrorKind::BrokenPipe`]: nobody reads any more.
pub(crate) fn print_part(part: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(part.as_bytes()).and_then(|()| out.flush())
}

/// A reader that closes standard output early is no failure.
pub(crate) fn finish_writing(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
