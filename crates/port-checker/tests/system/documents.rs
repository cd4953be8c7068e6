//! The documents name everything there is.

use std::fs;

use port_checker_api::Reason;
use port_checker_server::SETTINGS;
use port_checker_testbed::process::Service;

use crate::program::{port_checker, repository};

#[test]
fn every_setting_and_its_default_is_documented() {
    let document = fs::read_to_string(repository("docs/settings.md")).unwrap();
    let defaults = port_checker_server::Config::default();
    for setting in SETTINGS {
        let row =
            document.lines().find(|line| line.starts_with(&format!("| `{}`", setting.variable)));
        let row = row.unwrap_or_else(|| panic!("{} has no row", setting.variable));
        let default = setting.show(&defaults);
        let default = if default.is_empty() { "none".to_owned() } else { format!("`{default}`") };
        let told = row.contains(&format!("| {default} |"));
        assert!(told || setting.variable == "PORT_CHECK_MAX_IN_FLIGHT", "{default} in {row}");
    }
}

#[test]
fn every_code_and_reason_of_the_document_is_explained() {
    let explained = fs::read_to_string(repository("docs/api.md")).unwrap();
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let service = Service::start(&mut port_checker(&["serve"], &[]));
    let document = port_checker_testbed::http::get(service.address, "/openapi.json").json();
    let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        let code = code.as_str().unwrap();
        assert!(explained.contains(&format!("| `{code}` |")), "{code}");
    }
    for reason in Reason::ALL {
        let row = format!("| `{}` | `{}` |", reason.name(), reason.text());
        assert!(explained.contains(&row), "{row}");
    }
    assert!(readme.contains(Reason::Refused.text()));
}
