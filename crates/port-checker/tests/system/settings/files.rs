//! Settings in files: `.env`, and those that systemd reads.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use port_checker_testbed::process::Service;

use crate::program::port_checker;

/// Nothing else than what `.env` in `directory` says.
fn checked(directory: &Path) -> Output {
    port_checker(&["serve", "--check-config"], &[])
        .current_dir(directory)
        .output()
        .expect("the program starts")
}

fn with_dotenv(contents: &[u8]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a place for the test");
    fs::write(directory.path().join(".env"), contents).expect("a place for the test");
    directory
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn only_the_working_directorys_own_file_is_read() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(".env"), "PORT_CHECK_RETRIES=5\n").unwrap();
    let below = directory.path().join("below");
    fs::create_dir(&below).unwrap();
    let output =
        port_checker(&["serve", "--check-config"], &[]).current_dir(below).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("PORT_CHECK_RETRIES=3"), "{shown}");
}

/// The lines are those of real files: Compose's, Python's, Windows'.
#[test]
fn foreign_lines_in_dotenv_are_skipped() {
    let cases: [(&[u8], &str); 7] = [
        (b"KEY: value\n", "as YAML writes it"),
        (b"DB_PASSWORD=s3 cret\n", "blanks"),
        (b"NAME=it's\n", "a quotation mark"),
        (b"MULTI=\"a\nb\"\n", "a value of two lines"),
        (b"NAME=\xff\xfe\n", "another encoding"),
        (b"= nothing\n{}\n", "nothing at all"),
        (b"", "an empty file"),
    ];
    for (before, why) in cases {
        let ours = b"PORT_CHECK_RETRIES=2\n";
        let directory = with_dotenv(&[b"\xef\xbb\xbf", before, ours.as_slice()].concat());
        let output = checked(directory.path());
        assert!(output.status.success(), "{why}: {}", said(&output));
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("PORT_CHECK_RETRIES=2\n"), "{why}: {shown}");
        assert_eq!(said(&output), "", "{why}");
    }
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".env")).unwrap();
    let output = checked(directory.path());
    assert!(output.status.success(), "a directory: {}", said(&output));
    let output = checked(with_dotenv(b"\xff\xfeP\0O\0R\0T\0").path());
    assert!(output.status.success() && said(&output).contains("UTF-16"), "{}", said(&output));
}

#[test]
fn a_bad_setting_in_dotenv_stops_the_service_with_its_line() {
    let cases = [
        ("PORT_CHECK_RETRIES: 5", "expected NAME=value"),
        ("PORT_CHECK_RETRIES='5", "quotation mark"),
        ("PORT_CHECKER_REDIS_URL=redis://:${PASSWORD}@host", "is not substituted"),
        ("PORT_CHECK_RETRIES=0", "'0' cannot be used"),
        ("PORT_CHECKER_REDIS_URL=redis://:hunter2/x@host", "not shown"),
    ];
    for (line, complaint) in cases {
        let directory = with_dotenv(format!("# ours\n\n{line}\n").as_bytes());
        let output = checked(directory.path());
        assert_eq!(output.status.code(), Some(2), "{line}: {}", said(&output));
        for part in [".env, line 3: PORT_CHECK", complaint] {
            assert!(said(&output).contains(part), "{part} for {line}: {}", said(&output));
        }
        assert!(!said(&output).contains("hunter2"), "{line}: {}", said(&output));
    }
}

/// Only `serve` is stopped: what asks about a service is not concerned.
#[test]
fn a_wrong_line_does_not_stop_a_health_check() {
    let mut serve = port_checker(&["serve"], &[]);
    let service = Service::start(&mut serve);
    let directory = with_dotenv(b"PORT_CHECK_RETRIES: 5\nPORT_CHECKER_TARGETS=everything\n");
    let port = service.address.port().to_string();
    let mut health = port_checker(&["health"], &[("PORT_CHECKER_PORT", &port)]);
    let output = health.current_dir(directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_dollar_sign_in_dotenv_stays() {
    let directory = with_dotenv(b"PORT_CHECKER_TLS_KEY=no/p$ss\n");
    let output = checked(directory.path());
    assert!(said(&output).contains("'no/p$ss' cannot be used"), "{}", said(&output));
}

fn checked_as_systemd_reads(files: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a place for the test");
    let mut command = Command::new(crate::program::PORT_CHECKER);
    command.args(["serve", "--check-config"]).current_dir(directory.path());
    // It does not count: systemd does not pass it on.
    command.env("PORT_CHECK_MAX_PORTS", "7");
    for (number, file) in files.iter().enumerate() {
        let name = format!("{number}.env");
        fs::write(directory.path().join(&name), file).expect("a place for the test");
        command.args(["--env-file", &name]);
    }
    command.output().expect("the program starts")
}

#[test]
fn a_file_is_checked_as_systemd_reads_it() {
    let files = [
        "# settings\nPORT_CHECK_RETRIES=5\nPORT_CHECKER_TARGETS=\"caller\"\n",
        "PORT_CHECK_RETRIES=4\nPORT_CHECKER_CORS_ORIGINS=https://a.example,\\\nhttps://b.example\n",
    ];
    let output = checked_as_systemd_reads(&files);
    assert!(output.status.success(), "{}", said(&output));
    let shown = String::from_utf8_lossy(&output.stdout);
    for line in [
        "PORT_CHECK_RETRIES=4",
        "PORT_CHECKER_TARGETS=caller",
        "PORT_CHECKER_CORS_ORIGINS=https://a.example,https://b.example",
        "PORT_CHECK_MAX_PORTS=1024",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
    }
    assert_eq!(said(&output), "");
}

/// A shell would read each of these otherwise, and the service would stay down.
#[test]
fn lines_that_systemd_reads_differently_from_a_shell_are_reported() {
    let cases = [
        ("PORT_CHECK_RETRIES=5 # five\n", 2, "0.env, line 1: a comment behind a value"),
        ("\nexport PORT_CHECK_RETRIES=0\n", 0, "0.env, line 2: systemd knows no 'export'"),
        ("PORT_CHECK_RETRIES=$FIVE\n", 2, "0.env, line 1: PORT_CHECK_RETRIES: '$FIVE'"),
        ("PORT_CHECKER_REDIS_URL=redis://:hunter2/x@host\n", 2, "line 1: PORT_CHECKER_REDIS_URL"),
    ];
    for (file, status, complaint) in cases {
        let output = checked_as_systemd_reads(&[file]);
        assert_eq!(output.status.code(), Some(status), "{file}: {}", said(&output));
        assert!(said(&output).contains(complaint), "{complaint}: {}", said(&output));
        assert!(!said(&output).contains("hunter2"), "{}", said(&output));
    }
    for (file, status) in [("/no/file", 2), ("-/no/file", 0)] {
        let args = ["serve", "--check-config", "--env-file", file];
        let output = port_checker(&args, &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
    }
    let alone = port_checker(&["serve", "--env-file", "/no/file"], &[]).output().unwrap();
    assert!(said(&alone).contains("--check-config"), "{}", said(&alone));
}
