//! The Debian packages: installed, upgraded, removed, purged.

use std::{fs, process::Command};

use port_checker_testbed::skip;

use super::{answers_a_check, debian_packages, done, machine::Machine};

const SETTINGS: &str = "etc/default/golem-port-checker";

/// Where the Python service had them.
const OLD_SETTINGS: &str = "etc/golem/port-checker.env";

const ENABLED: &str = "etc/systemd/system/multi-user.target.wants/golem-port-checker.service";

#[test]
fn lintian_finds_nothing_to_complain_about() {
    let Some(packages) = debian_packages() else { return };
    if !skip::has("lintian", "--version") {
        return;
    }
    let checked = ["--fail-on", "error,warning", "--no-tag-display-limit"];
    assert_eq!(done(Command::new("lintian").args(checked).args(packages)), "");
}

/// This machine, with the packages in its root directory.
fn machine() -> Option<Machine> {
    let [command, service] = debian_packages()?;
    if !skip::is_root() {
        return None;
    }
    let machine = Machine::like_this();
    fs::copy(command, machine.path("command.deb")).expect("room for the package");
    fs::copy(service, machine.path("service.deb")).expect("room for the package");
    Some(machine)
}

/// Runs dpkg there; returns what its scripts wanted of systemd.
fn dpkg(machine: &Machine, action: &[&str]) -> Vec<String> {
    done(&mut machine.command(&[&["dpkg"], action].concat()));
    machine.asked_of_systemd()
}

/// Every file there that is called like the packages.
fn traces(machine: &Machine) -> String {
    let places = ["find", "/etc", "/lib/systemd", "/usr", "/var/lib", "-name", "*port-checker*"];
    done(machine.command(&places).env("LC_ALL", "C"))
}

#[test]
fn the_package_of_the_command_starts_nothing() {
    let Some(machine) = machine() else { return };
    let before = traces(&machine);
    assert_eq!(dpkg(&machine, &["--install", "command.deb"]), [""; 0]);
    let installed = traces(&machine);
    for part in ["bin/port-checker", "man1/port-checker.1.gz", "completions/port-checker"] {
        assert!(installed.contains(part), "no {part} in {installed}");
    }
    assert!(!installed.contains("golem"), "nothing of the service: {installed}");
    let scripts = machine.command(&["dpkg-query", "--control-list", "port-checker"]).output();
    assert_eq!(String::from_utf8_lossy(&scripts.unwrap().stdout), "md5sums\n", "no scripts");
    done(&mut machine.command(&["port-checker", "verify", "7466", "--local"]));
    assert_eq!(dpkg(&machine, &["--purge", "port-checker"]), [""; 0]);
    assert_eq!(traces(&machine), before);
}

#[test]
fn the_service_comes_and_goes_and_leaves_settings_alone() {
    let Some(machine) = machine() else { return };
    fs::create_dir_all(machine.path("etc/golem")).unwrap();
    fs::write(machine.path(OLD_SETTINGS), "PORT_CHECKER_PORT=9001\n").unwrap();
    let before = traces(&machine);
    let both = ["--install", "command.deb", "service.deb"];

    let asked = dpkg(&machine, &both);
    assert!(
        asked.iter().any(|asked| asked.contains(" start golem-port-checker.service")),
        "{asked:?}"
    );
    assert!(fs::symlink_metadata(machine.path(ENABLED)).is_ok());
    let socket = machine.path("etc/systemd/system/sockets.target.wants/golem-port-checker.socket");
    assert!(fs::symlink_metadata(socket).is_err(), "the socket is for those who enable it");
    answers_a_check(&mut machine.command(&["port-checker", "serve"]));

    fs::write(machine.path(SETTINGS), "PORT_CHECK_RETRIES=2\n").unwrap();
    let asked = dpkg(&machine, &both);
    assert!(asked.iter().any(|asked| asked.contains("try-restart golem-port-checker.service")));
    assert!(!asked.iter().any(|asked| asked.contains(" start ") || asked.contains(" stop ")));
    assert_eq!(fs::read_to_string(machine.path(SETTINGS)).unwrap(), "PORT_CHECK_RETRIES=2\n");

    let asked = dpkg(&machine, &["--remove", "golem-port-checker"]);
    assert!(
        asked.iter().any(|asked| asked.contains("stop golem-port-checker.socket")),
        "{asked:?}"
    );
    assert!(machine.path("usr/bin/port-checker").exists(), "the command stays");
    assert!(machine.path(SETTINGS).exists(), "settings outlive the service");

    dpkg(&machine, &["--purge", "golem-port-checker", "port-checker"]);
    assert_eq!(traces(&machine), before, "nothing is left, and nothing of others is gone");
    assert_eq!(fs::read_to_string(machine.path(OLD_SETTINGS)).unwrap(), "PORT_CHECKER_PORT=9001\n");
}
