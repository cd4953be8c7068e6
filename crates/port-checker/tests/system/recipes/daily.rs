//! The timer of the book, judged by systemd; on a machine that boots it is run by [`packages`](crate::packages).

use std::{fs, process::Command};

use port_checker_testbed::skip;

use super::{recipe, write_program};

/// The units of the book.
pub(crate) const UNITS: [&str; 3] =
    ["ports-daily.timer", "ports-daily.service", "ports-daily-alert.service"];

/// The program that the last one runs.
pub(crate) const ALERT: &str = "ports-daily-alert";

/// Where the book puts it.
pub(crate) const ALERT_PATH: &str = "/usr/local/sbin/ports-daily-alert";

#[test]
fn systemd_finds_nothing_to_complain_about() {
    if !skip::has("systemd-analyze", "--version") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join(ALERT);
    write_program(&program, &recipe(ALERT));
    let here = program.to_str().expect("a path in UTF-8");
    let files = UNITS.map(|unit| {
        let file = directory.path().join(unit);
        fs::write(&file, recipe(unit).replace(ALERT_PATH, here)).expect("the test's own");
        file
    });
    let mut verify = Command::new("systemd-analyze");
    let verify = verify.arg("verify").args(&files).output().expect("it was there");
    assert!(verify.status.success(), "{verify:?}");
    assert_eq!(String::from_utf8_lossy(&verify.stderr), "", "verify is silent");
}
