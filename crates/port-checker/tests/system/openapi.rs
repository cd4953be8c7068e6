//! The API as a document, and the service held against it by an independent tool.

use std::process::Command;

use port_checker_testbed::{http::get, namespace::Namespace, process::Service, skip};

use crate::{
    dns,
    program::{PORT_CHECKER, configure, port_checker},
};

#[test]
fn the_printed_document_is_the_served_one() {
    let printed = port_checker(&["openapi"], &[]).output().unwrap();
    assert!(printed.status.success());
    let service = Service::start(&mut port_checker(&["serve"], &[]));
    let served = get(service.address, "/openapi.json");
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed, served.json());
}

/// Schemathesis makes requests from the document, addresses included. It runs where there is nothing
/// but loopback, against a service that dials only its caller.
#[test]
fn schemathesis_finds_no_difference_between_document_and_service() {
    let Some(schemathesis) = std::env::var_os("SCHEMATHESIS") else {
        return skip::missing("SCHEMATHESIS, the path of the tool; see scripts/test");
    };
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    dns::serve(&network, |_, _| dns::Answer::NoSuchName);
    let mut serve = network.command(PORT_CHECKER, &["serve"]);
    let settings = [
        ("PORT_CHECKER_TARGETS", "caller"),
        ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECK_MAX_PORTS", "100"),
    ];
    configure(&mut serve, &settings);
    let service = Service::start(&mut serve);
    let url = format!("http://{}/openapi.json", service.address);
    let schemathesis = schemathesis.to_str().expect("a plain path");
    let directory = tempfile::tempdir().unwrap();
    let args = ["run", &url, "--max-examples", "100", "--seed", "1", "--no-color"];
    let run: &mut Command = &mut network.command(schemathesis, &args);
    let output = run.current_dir(directory.path()).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}\n{errors}");
    assert!(report.contains("Tested: 6"), "every route was tested: {report}");
    assert!(!report.contains("WARNINGS"), "{report}");
}
