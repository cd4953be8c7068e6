//! `verify --attest`: the statements that are kept.

use std::{
    fs,
    process::{Command, Output},
};

use port_checker_testbed::{ports::unused, process::Service};
use serde_json::Value;
use tempfile::TempDir;

use super::tokens::{ISSUER, Key};
use crate::program::{configure, port_checker};

/// A checker, with a key or without.
fn checker(directory: &TempDir, key: Option<&Key>) -> (Service, String) {
    let pem = directory.path().join("key.pem");
    let mut settings = vec![("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")];
    if let Some(key) = key {
        fs::write(&pem, &key.pem).expect("the test's own directory");
        settings.extend([
            ("PORT_CHECKER_ISSUER", ISSUER),
            ("PORT_CHECKER_SIGNING_KEY", pem.to_str().expect("a path in UTF-8")),
            ("PORT_CHECKER_CLOCK_CHECK", "false"),
        ]);
    }
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let url = format!("http://{}", service.address);
    (service, url)
}

fn verify(directory: &TempDir, url: &str, args: &[&str]) -> Output {
    let port = unused(1)[0].to_string();
    let fixed = ["verify", &port, "--server", url, "--local", "--no-router", "--family", "4"];
    let mut command = Command::new(crate::program::PORT_CHECKER);
    configure(command.args([&fixed, args].concat()), &[]);
    command.current_dir(directory.path()).output().expect("the program starts")
}

fn read(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).expect(name)
}

#[test]
fn a_statement_is_kept_with_what_was_asked_for() {
    let (directory, key) = (tempfile::tempdir().expect("a directory"), Key::new());
    let (_service, url) = checker(&directory, Some(&key));
    // As a signature in base64url may begin.
    let challenge = format!("-{}", "A".repeat(86));
    let asked = ["--audience", "market", "--nonce", "-n", "--challenge", &challenge];
    let output = verify(&directory, &url, &[&["--attest", "proofs"], &asked[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = String::from_utf8(output.stdout).expect("text");
    let sentence = "\n1 signed statement of 1 of 1 checker, kept in proofs.\n";
    assert!(report.ends_with(sentence), "{report}");

    fs::write(directory.path().join("keys.json"), key.set().to_json()).expect("its own");
    let believed = |audience: &str| {
        let args = ["attestation", "verify", "proofs", "--issuer", "keys.json", "--json"];
        let further = ["--audience", audience, "--nonce", "-n", "--ip", "127.0.0.1"];
        let mut command = port_checker(&[&args[..], &further].concat(), &[]);
        command.current_dir(directory.path()).output().expect("the program starts")
    };
    let output = believed("market");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let claims = &document["statements"][0]["claims"];
    assert_eq!((&claims["challenge"], &claims["iss"]), (&challenge.into(), &ISSUER.into()));
    assert_eq!(believed("bazaar").status.code(), Some(1));
}

#[test]
fn the_document_has_the_statements_too() {
    let (directory, key) = (tempfile::tempdir().expect("a directory"), Key::new());
    let (_service, url) = checker(&directory, Some(&key));
    let output = verify(&directory, &url, &["--attest", "proofs", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let attestation = &document["families"][0]["checkers"][0]["attestations"][0];
    assert_eq!(attestation["transport"], "tcp");
    assert_eq!(format!("{}\n", attestation["token"].as_str().unwrap()), read(&directory, "proofs"));
    let output = verify(&directory, &url, &["--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(document["families"][0]["checkers"][0]["attestations"], Value::Array(Vec::new()));
}

#[test]
fn a_checker_without_a_key_gives_no_verdict_and_earlier_statements_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let (_service, url) = checker(&directory, None);
    fs::write(directory.path().join("proofs"), "earlier\n").expect("its own");
    let output = verify(&directory, &url, &["--attest", "proofs"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let report = String::from_utf8(output.stdout).expect("text");
    assert!(report.ends_with("\nNo statement of 1 checker; proofs is as it was.\n"), "{report}");
    assert_eq!(read(&directory, "proofs"), "earlier\n");
}

#[test]
fn a_file_that_cannot_be_written_and_flags_that_do_not_fit_are_named() {
    let (directory, key) = (tempfile::tempdir().expect("a directory"), Key::new());
    let (_service, url) = checker(&directory, Some(&key));
    let cases = [
        (&["--attest", "missing/proofs"][..], "cannot write missing/proofs: there is no such"),
        (&["--attest", "."], "cannot write .: it is not a file"),
        (&["--nonce", "n"], "--attest"),
        (&["--audience", "a"], "--attest"),
        (&["--attest", "proofs", "--every", "1h"], "cannot be used with"),
        (&["--attest", "proofs", "--nonce", ""], "1 to 128 printable ASCII characters"),
        (&["--challenge", "short"], "16 to 128 printable ASCII characters"),
    ];
    for (args, expected) in cases {
        let output = verify(&directory, &url, args);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {complaint}");
        assert!(complaint.contains(expected), "{args:?}: {complaint}");
    }
}
