//! The API as a document, and the service held against it by an independent tool.

use std::{collections::BTreeSet, process::Command};

use port_checker_testbed::{
    http::{Answer, JSON, get, post},
    namespace::Namespace,
    process::Service,
    skip,
};
use serde_json::{Value, json};

use crate::{
    dns,
    program::{PORT_CHECKER, configure, port_checker},
    signing::Keys,
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

/// The answers to requests that a checker with default settings refuses.
fn refusals(service: &Service) -> Vec<Answer> {
    let address = service.address;
    let check = |body: &Value| post(address, "/check-ports", JSON, body.to_string().as_bytes());
    let many: Vec<u16> = (1..=1024).collect();
    let too_many: Vec<u16> = (1..=1025).collect();
    vec![
        check(&json!({"provider_ip": "home.example.org", "ports": [7466]})),
        check(&json!({"ports": [0]})),
        check(&json!({"ports": too_many})),
        check(&json!({"ports": [7466], "challenge": "short"})),
        check(&json!({"port": [7466]})),
        check(&json!({"provider_ip": "203.0.113.7", "ports": [7466]})),
        post(address, "/check-ports", "Content-Type: text/plain\r\n", br#"{"ports":[7466]}"#),
        post(address, "/check-ports", JSON, &vec![b' '; 1_048_577]),
        check(&json!({"ports": many})),
        check(&json!({"ports": many})),
    ]
}

/// The first thing that a visitor of `/docs` does is to send the first example.
#[test]
fn the_examples_of_the_document_are_real() {
    let keys = Keys::new();
    let settings = keys.settings(&[("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")]);
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let document = get(service.address, "/openapi.json").json();
    let post_ports = &document["paths"]["/check-ports"]["post"];
    let examples = post_ports["requestBody"]["content"][JSON_TYPE]["examples"].as_object().unwrap();
    let shown = &post_ports["responses"]["200"]["content"][JSON_TYPE]["examples"];
    for (name, answer) in shown.as_object().unwrap() {
        let body = examples[name]["value"].to_string();
        let real = post(service.address, "/check-ports", JSON, body.as_bytes());
        assert_eq!(real.status, 200, "{name}: {real:?}");
        assert_eq!(shape(&real.json()), shape(&answer["value"]), "{name}");
    }
    let mut real = BTreeSet::new();
    for answer in refusals(&service).into_iter().filter(|answer| answer.status != 200) {
        let (status, body) = (answer.status.to_string(), answer.json());
        let code = answer.code();
        let response = &post_ports["responses"][&status]["content"][JSON_TYPE];
        assert_eq!(without_numbers(&response["examples"][&code]["value"]), without_numbers(&body));
        real.insert(code);
    }
    assert_eq!(real.len(), 9, "every kind of refusal: {real:?}");
}

/// Every code that a route names has an example there.
#[test]
fn every_error_code_of_a_route_has_an_example() {
    let printed = port_checker(&["openapi"], &[]).output().unwrap();
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    let mut shown = BTreeSet::new();
    for path in document["paths"].as_object().unwrap().values() {
        let responses = path.as_object().unwrap().values().map(|operation| &operation["responses"]);
        for response in responses.flat_map(|responses| responses.as_object().unwrap().values()) {
            let description = response["description"].as_str().unwrap();
            for code in codes.iter().filter_map(Value::as_str) {
                let example = &response["content"][JSON_TYPE]["examples"][code]["value"];
                let named = description.contains(&format!("`{code}`"));
                assert_eq!(example["detail"]["code"] == code, named, "{code}: {response}");
                shown.extend(named.then_some(code));
            }
        }
    }
    let routeless = BTreeSet::from(["METHOD_NOT_ALLOWED", "NOT_FOUND"]);
    let all: BTreeSet<_> = codes.iter().filter_map(Value::as_str).collect();
    assert_eq!(&all - &shown, routeless, "those are of no route");
}

/// All texts of a document called `description` or `summary`.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let named = |name: &str| matches!(name, "description" | "summary");
            let here =
                fields.iter().filter(|(name, _)| named(name)).filter_map(|(_, it)| it.as_str());
            here.chain(fields.values().flat_map(texts)).collect()
        }
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Generators take the descriptions into their code, but only those of the fields themselves.
#[test]
fn every_field_is_described_for_readers_who_have_only_the_document() {
    let printed = port_checker(&["openapi"], &[]).output().unwrap();
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    for text in texts(&document) {
        assert!(!text.contains("[`") && !text.contains("::"), "a link within Rust: {text}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(schema["description"].is_string(), "{name}");
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name}.{field}: {schema}");
        }
    }
}

const JSON_TYPE: &str = "application/json";

/// The names of all fields within a value; texts and numbers do not count.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        _ => Value::Null,
    }
}

/// How much of an allowance is left depends on the time.
fn without_numbers(body: &Value) -> String {
    let text = body.to_string();
    if text.contains("RATE_LIMITED") { text.replace(char::is_numeric, "") } else { text }
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
    dns::serve(&network, |name, _| match name {
        "example.com" => dns::Answer::Addresses(&["127.0.0.1"]),
        _ => dns::Answer::NoSuchName,
    });
    let mut serve = network.command(PORT_CHECKER, &["serve"]);
    let keys = Keys::new();
    let settings = keys.settings(&[
        ("PORT_CHECKER_TARGETS", "caller"),
        ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECK_MAX_PORTS", "100"),
    ]);
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
    assert!(report.contains("Tested: 7"), "every route was tested: {report}");
    assert!(!report.contains("WARNINGS"), "{report}");
}
