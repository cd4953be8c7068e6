//! The documents name everything there is.

use std::{collections::BTreeMap, fs};

use port_checker_api::Reason;
use port_checker_server::SETTINGS;
use port_checker_testbed::process::Service;

use crate::{
    book::Document,
    program::{port_checker, repository},
};

/// The notices are named in these, the verdicts in the last.
const NAMES: [&str; 3] = ["notice.rs", "position_words.rs", "verdict.rs"];

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

/// The arms `Self::Variant … => "words"` of a file of the diagnosis, with their words.
fn arms(file: &str) -> BTreeMap<String, String> {
    let path = repository("crates/client/src/diagnosis").join(file);
    let source = fs::read_to_string(path).expect("a file of the diagnosis");
    let arm = |line: &str| {
        let (pattern, words) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
        let variant = pattern.split(|it: char| !it.is_alphanumeric()).next()?;
        Some((variant.to_owned(), words.strip_suffix("\",")?.to_owned()))
    };
    source.lines().filter_map(arm).collect()
}

fn in_snake_case(variant: &str) -> String {
    let separated = variant.chars().map(|letter| match letter.is_uppercase() {
        true => format!("_{}", letter.to_lowercase()),
        false => letter.to_string(),
    });
    separated.collect::<String>().trim_start_matches('_').to_owned()
}

#[test]
fn every_verdict_and_every_notice_is_explained() {
    let rows = Document::read(&fs::read_to_string(repository("docs/verdicts.md")).unwrap()).rows;
    let [notices, positions, verdicts] = NAMES.map(arms);
    assert!(notices.len() > 15 && positions.len() > 8 && verdicts.len() > 15, "they are found");
    for kind in notices.values().chain(positions.values()) {
        // Of these nothing is said.
        let silent = ["elsewhere", "direct"].contains(&kind.as_str());
        let row = rows.iter().find(|row| row.len() == 3 && row[0].text == *kind);
        assert!(silent || row.is_some(), "{kind} has no row");
    }
    for (variant, words) in verdicts {
        let name = in_snake_case(&variant);
        let row = rows.iter().find(|row| row.len() == 4 && row[1].text == name);
        let shown = row.map(|row| &row[0].text);
        assert!(shown.is_some_and(|shown| shown.contains(&words)), "{name}, {words}: {shown:?}");
    }
}
