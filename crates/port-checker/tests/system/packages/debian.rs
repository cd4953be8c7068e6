//! The Debian package: installed, upgraded, removed, purged.

use std::{fs, process::Command};

use port_checker_testbed::skip;

use super::{answers_a_check, done, machine::Machine, package};

const SETTINGS: &str = "etc/default/golem-port-checker";

/// Where the Python service had them.
const OLD_SETTINGS: &str = "etc/golem/port-checker.env";

const ENABLED: &str = "etc/systemd/system/multi-user.target.wants/golem-port-checker.service";

#[test]
fn lintian_finds_nothing_to_complain_about() {
    let Some(package) = package(".deb") else { return };
    if !skip::has("lintian", "--version") {
        return;
    }
    let checked = ["--fail-on", "error,warning", "--no-tag-display-limit"];
    assert_eq!(done(Command::new("lintian").args(checked).arg(package)), "");
}

#[test]
fn it_comes_and_goes_and_leaves_settings_alone() {
    let Some(package) = package(".deb") else { return };
    if !skip::is_root() {
        return;
    }
    let machine = Machine::like_this();
    fs::copy(package, machine.path("package.deb")).unwrap();
    let dpkg = |action: &str, what: &str| {
        done(&mut machine.command(&["dpkg", action, what]));
        machine.asked_of_systemd()
    };
    let traces = || {
        let places =
            ["find", "/etc", "/lib/systemd", "/usr", "/var/lib", "-name", "*port-checker*"];
        done(machine.command(&places).env("LC_ALL", "C"))
    };
    fs::create_dir_all(machine.path("etc/golem")).unwrap();
    fs::write(machine.path(OLD_SETTINGS), "PORT_CHECKER_PORT=9001\n").unwrap();
    let before = traces();

    let asked = dpkg("--install", "package.deb");
    assert!(
        asked.iter().any(|asked| asked.contains(" start golem-port-checker.service")),
        "{asked:?}"
    );
    assert!(fs::symlink_metadata(machine.path(ENABLED)).is_ok());
    let installed = traces();
    for part in ["bin/port-checker", "man1/port-checker.1.gz", "completions/port-checker"] {
        assert!(installed.contains(part), "no {part} in {installed}");
    }
    assert!(!installed.contains("sockets.target.wants"), "the socket is for who wants it");
    answers_a_check(&mut machine.command(&["port-checker", "serve"]));

    fs::write(machine.path(SETTINGS), "PORT_CHECK_RETRIES=2\n").unwrap();
    let asked = dpkg("--install", "package.deb");
    assert!(asked.iter().any(|asked| asked.contains("try-restart golem-port-checker.service")));
    assert!(!asked.iter().any(|asked| asked.contains(" start ") || asked.contains(" stop ")));
    assert_eq!(fs::read_to_string(machine.path(SETTINGS)).unwrap(), "PORT_CHECK_RETRIES=2\n");

    let asked = dpkg("--remove", "golem-port-checker");
    assert!(
        asked.iter().any(|asked| asked.contains("stop golem-port-checker.socket")),
        "{asked:?}"
    );
    assert!(!machine.path("usr/bin/port-checker").exists());
    assert!(machine.path(SETTINGS).exists(), "settings outlive the program");

    dpkg("--purge", "golem-port-checker");
    assert_eq!(traces(), before, "nothing is left, and nothing of others is gone");
    assert_eq!(fs::read_to_string(machine.path(OLD_SETTINGS)).unwrap(), "PORT_CHECKER_PORT=9001\n");
}
