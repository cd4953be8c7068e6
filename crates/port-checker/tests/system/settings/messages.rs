//! What messages about settings show, and what they keep to themselves.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use port_checker_server::SETTINGS;

use crate::program::port_checker;

/// A line that is not the program's, an escape sequence, one byte that begins one, and text that is
/// turned.
const CONTROLS: &str = "x\r\nforged\u{1b}[2J\u{9b}2J\u{202e}";

/// None of them may reach a terminal.
fn assert_harmless(shown: &[u8], where_from: &str) {
    let shown = std::str::from_utf8(shown).expect("messages are text");
    let control = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
    assert!(!shown.contains(control), "{where_from}: {shown:?}");
    assert!(!shown.lines().any(|line| line.starts_with("forged")), "{where_from}: {shown:?}");
}

#[test]
fn no_value_controls_a_terminal() {
    for setting in SETTINGS {
        let output = port_checker(&["serve"], &[(setting.variable, CONTROLS)]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", setting.variable);
        assert_harmless(&output.stderr, setting.variable);
        assert!(output.stderr.len() > setting.variable.len());
    }
    let arguments: [&[&str]; 8] = [
        &[CONTROLS],
        &["serve", CONTROLS],
        &["serve", &format!("--{CONTROLS}")],
        &["serve", "--port", CONTROLS],
        &["health", "--url", CONTROLS],
        &["check", CONTROLS, "1", "--server", "http://127.0.0.1:1"],
        &["check", "127.0.0.1", CONTROLS, "--server", "http://127.0.0.1:1"],
        &["serve", "--check-config", "--env-file", CONTROLS],
    ];
    for arguments in arguments {
        let output = port_checker(arguments, &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_harmless(&output.stderr, &format!("{arguments:?}"));
    }
    let name = format!("PORT_CHECKER_{CONTROLS}");
    let output = port_checker(&["serve", "--check-config"], &[(&name, "1")]).output().unwrap();
    assert_harmless(&output.stderr, "the name of a variable");
    assert!(!output.stderr.is_empty());
}

/// Passwords with characters that have to be encoded, and what is left of each if it is cut.
#[test]
fn a_secret_is_never_shown() {
    let urls = [
        "redis://:hunter2/geheim@host",
        "redis://user:hunter2#geheim@host",
        "redis://hunter2?geheim@host",
        "http://user:hunter2geheim@host",
        "redis://:hunter2geheim@host:port",
        "rediss://:hunter2%zz@geheim@host",
        "hunter2geheim",
    ];
    for url in urls {
        let flag = format!("--redis-url={url}");
        for mut command in [
            port_checker(&["serve"], &[("PORT_CHECKER_REDIS_URL", url)]),
            port_checker(&["serve", &flag], &[]),
            port_checker(&["serve", "--check-config"], &[("PORT_CHECKER_REDIS_URL", url)]),
        ] {
            // One of them can be used after all: then nothing is listened on.
            let output = command.env("PORT_CHECKER_HOST", "203.0.113.1").output().unwrap();
            let shown = [output.stdout, output.stderr].concat();
            let shown = String::from_utf8_lossy(&shown);
            assert!(shown.contains("PORT_CHECKER_"), "{url}: {shown}");
            assert!(!shown.contains("hunter2") && !shown.contains("geheim"), "{url}: {shown}");
            if output.status.code() == Some(2) {
                assert!(shown.contains("write % as %25") && shown.contains("@ as %40"), "{shown}");
            }
        }
    }
    for arguments in [
        ["serve", "redis://:hunter2@host"],
        ["--redis-url", "redis://:hunter2@host"],
        ["health", "--url=https://:hunter2@host:port"],
    ] {
        let output = port_checker(&arguments, &[]).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let raw = OsStr::from_bytes(b"redis://:hunter2\xff@host");
    let output = port_checker(&["serve"], &[]).env("PORT_CHECKER_REDIS_URL", raw).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains("PORT_CHECKER_REDIS_URL") && !shown.contains("hunter2"), "{shown}");
}

/// A key instead of the path of its file, and an address meant for another setting.
#[test]
fn a_value_that_looks_like_a_secret_is_shown_for_no_setting() {
    let values = [
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        "redis://:hunter2@host",
        "1.2.3.4,https://user:hunter2@host",
    ];
    for setting in SETTINGS {
        for value in values {
            let mut command =
                port_checker(&["serve", "--check-config"], &[(setting.variable, value)]);
            let output = command.output().unwrap();
            let shown = [output.stdout, output.stderr].concat();
            let shown = String::from_utf8_lossy(&shown);
            assert!(shown.contains(setting.variable), "{shown}");
            assert!(!shown.contains("hunter2"), "{}: {shown}", setting.variable);
        }
    }
}

/// What a pod is given whose namespace has services of these names.
const OF_KUBERNETES: &[(&str, &str)] = &[
    ("PORT_CHECKER_PORT", "tcp://10.96.0.12:9000"),
    ("PORT_CHECKER_SERVICE_HOST", "10.96.0.12"),
    ("PORT_CHECKER_SERVICE_PORT", "9000"),
    ("PORT_CHECKER_SERVICE_PORT_HTTP", "9000"),
    ("PORT_CHECKER_PORT_9000_TCP", "tcp://10.96.0.12:9000"),
    ("PORT_CHECKER_PORT_9000_TCP_PROTO", "tcp"),
    ("PORT_CHECKER_PORT_9000_TCP_PORT", "9000"),
    ("PORT_CHECKER_PORT_9000_TCP_ADDR", "10.96.0.12"),
    ("PORT_CHECK_PORT", "tcp://10.96.0.13:80"),
    ("PORT_CHECK_SERVICE_HOST", "10.96.0.13"),
    ("PORT_CHECK_SERVICE_PORT", "80"),
    ("PORT_CHECKER_REDIS_PORT", "tcp://10.96.0.14:6379"),
    ("PORT_CHECKER_REDIS_SERVICE_HOST", "10.96.0.14"),
    ("PORT_CHECKER_REDIS_SERVICE_PORT", "6379"),
    ("PORT_CHECKER_REDIS_PORT_6379_TCP", "tcp://10.96.0.14:6379"),
];

#[test]
fn variables_of_kubernetes_are_passed_over() {
    let output = port_checker(&["serve", "--check-config"], OF_KUBERNETES).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(shown.contains("PORT_CHECKER_PORT=9000\n"), "{shown}");
    assert_eq!(said.lines().count(), 1, "one warning, of the one that is a setting: {said}");
    for part in ["PORT_CHECKER_PORT=tcp://10.96.0.12:9000", "port-checker", "enableServiceLinks"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let flag = ["serve", "--check-config", "--port", "9100"];
    let output = port_checker(&flag, OF_KUBERNETES).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("PORT_CHECKER_PORT=9100\n"));
}

#[test]
fn a_variable_that_only_looks_like_kubernetes_is_not_skipped() {
    let cases: [(&[(&str, &str)], &str); 3] = [
        (&[("PORT_CHECKER_PORT", "tcp://10.96.0.12:9000")], "without its service"),
        (
            &[("PORT_CHECKER_PORT", "http"), ("PORT_CHECKER_SERVICE_HOST", "10.96.0.12")],
            "no address",
        ),
        (
            &[("PORT_CHECK_RETRIES", "tcp://a:1"), ("PORT_CHECKER_SERVICE_HOST", "10.96.0.12")],
            "another setting",
        ),
    ];
    for (settings, why) in cases {
        let output = port_checker(&["serve", "--check-config"], settings).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{why}");
    }
}

#[test]
fn the_environment_is_named_in_any_case_and_start_serves() {
    let development = [("GOLEM_ENVIRONMENT", "Development")];
    let output = port_checker(&["start", "--check-config"], &development).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("PORT_CHECKER_ALLOW_LOCAL_IPS=true\n"), "{shown}");
    let help = port_checker(&["--help"], &[]).output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout);
    assert!(!help.contains("start "), "unlisted: {help}");
}
