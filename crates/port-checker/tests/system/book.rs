//! The book is true: its links lead somewhere, and what it names is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use port_checker_api::Reason;
use port_checker_testbed::{http::get, process::Service};

use crate::{
    program::{port_checker, repository},
    signing::Keys,
};

mod markdown;
mod words;

pub(crate) use markdown::Document;

/// The documents at the root; beside them, all under `docs`.
const AT_THE_ROOT: [&str; 5] =
    ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

/// A variable of `check` and `verify`, which is no setting of the service.
const SERVERS: &str = "PORT_CHECKER_SERVER";

/// What the command of `verify --exec` finds in its environment.
const OF_EXEC: [&str; 6] = [
    "PORT_CHECKER_IP",
    "PORT_CHECKER_NO_VERDICT",
    "PORT_CHECKER_PREVIOUS_STATUS",
    "PORT_CHECKER_REACHABLE",
    "PORT_CHECKER_STATUS",
    "PORT_CHECKER_UNREACHABLE",
];

/// The commands whose flags the book may name.
const COMMANDS: [&str; 5] = ["serve", "verify", "check", "attestation verify", "health"];

/// Every document, by its path.
fn book() -> Vec<(PathBuf, Document)> {
    let mut paths = AT_THE_ROOT.map(repository).to_vec();
    let mut folders = vec![repository("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "md") {
                paths.push(path);
            }
        }
    }
    assert!(paths.len() > AT_THE_ROOT.len() + 5, "{paths:?}");
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn read(path: &Path) -> Document {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    Document::read(&text)
}

#[test]
fn every_link_leads_somewhere() {
    let broken: Vec<String> = book()
        .iter()
        .flat_map(|(path, document)| {
            let broken = document.links.iter().filter(|link| !leads_somewhere(path, &link.to));
            broken.map(|link| format!("{}: {}", path.display(), link.to)).collect::<Vec<_>>()
        })
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Whether a link from a document leads to a file that is there and, if it names one, to a heading.
/// What other hosts have is not looked at.
fn leads_somewhere(from: &Path, to: &str) -> bool {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| to.starts_with(scheme)) {
        return true;
    }
    let (file, anchor) = to.split_once('#').map_or((to, None), |(file, name)| (file, Some(name)));
    let path = match file {
        "" => from.to_owned(),
        file => from.parent().expect("it is in a folder").join(file),
    };
    path.exists()
        && anchor.is_none_or(|anchor| read(&path).anchors.iter().any(|name| name == anchor))
}

#[test]
fn every_test_of_the_threat_table_is_there() {
    let path = repository("SECURITY.md");
    let threats: Vec<_> = read(&path).rows.into_iter().filter(|row| row.len() == 3).collect();
    assert!(threats.len() > 15, "the table has {} rows", threats.len());
    let mut named = BTreeSet::new();
    for row in &threats {
        let (threat, tests) = (&row[0].text, &row[2]);
        // A second row is usually an older form of the first.
        let beginning = threat.split(',').next();
        assert!(named.insert(beginning), "{threat}: there are two rows");
        assert!(!tests.links.is_empty() || tests.text == "none", "{threat}: no test is named");
        for link in &tests.links {
            let file = repository(&link.to);
            let code = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{}", file.display()));
            assert!(has_test(&code, &link.text), "{threat}: {} in {}", link.text, link.to);
        }
    }
}

/// Whether `code` has a test of that name.
fn has_test(code: &str, name: &str) -> bool {
    let Some((before, _)) = code.split_once(&format!("fn {name}(")) else { return false };
    let line_before = before.trim_end_matches("async ").trim_end().lines().next_back();
    line_before.is_some_and(|line| line.trim().starts_with("#[") && line.contains("test]"))
}

#[test]
fn every_setting_of_check_config_is_in_the_book_and_no_other() {
    let output = port_checker(&["serve", "--check-config"], &[]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let settings: BTreeSet<&str> =
        printed.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(settings.len() > 20, "{settings:?}");
    let table = read(&repository("docs/settings.md")).rows;
    for setting in &settings {
        assert!(table.iter().any(|row| row[0].text == *setting), "{setting} has no row");
    }
    for (path, document) in book() {
        for word in words(&document).filter(|word| word.starts_with("PORT_CHECK")) {
            let known = settings.contains(word) || word == SERVERS || OF_EXEC.contains(&word);
            assert!(known, "{word} of {} is no setting", path.display());
        }
    }
}

#[test]
fn every_code_and_every_reason_has_advice() {
    let rows = read(&repository("docs/api.md")).rows;
    let printed = port_checker(&["openapi"], &[]).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    let codes = codes.iter().filter_map(|code| code.as_str());
    let names: Vec<&str> = codes.chain(Reason::ALL.iter().map(|reason| reason.name())).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let row = rows.iter().find(|row| row[0].text == name);
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        assert!(row.len() == 4 && row.iter().all(|cell| !cell.text.is_empty()), "{name}: {row:?}");
    }
}

#[test]
fn every_metric_is_in_the_book_and_no_other() {
    let keys = Keys::new();
    let settings = keys.settings(&[("PORT_CHECKER_REDIS_URL", "redis://127.0.0.1:1")]);
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let body = get(service.address, "/metrics").body;
    let text = String::from_utf8(body).unwrap();
    let served: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| name.starts_with("port_checker_"))
        .collect();
    let (path, operating) = (repository("docs/operating.md"), "docs/operating.md");
    let document = read(&path);
    let named: BTreeSet<&str> =
        words(&document).filter(|word| word.starts_with("port_checker_")).collect();
    // A counter without an event has no series, and no type.
    let unborn = BTreeSet::from(["port_checker_requests_total"]);
    assert_eq!(named, served.union(&unborn).copied().collect(), "{operating}");
}

#[test]
fn every_flag_of_a_command_is_one_it_has() {
    let help = COMMANDS.map(|command| {
        let args: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let output = port_checker(&args, &[]).output().unwrap();
        (command, String::from_utf8(output.stdout).unwrap())
    });
    for (path, document) in book() {
        for line in document.code.iter().flat_map(|code| code.lines()) {
            for (command, help) in &help {
                let Some((_, rest)) = line.split_once(&format!("port-checker {command} ")) else {
                    continue;
                };
                let flags = rest.split_whitespace().filter(|word| word.starts_with("--"));
                for flag in flags.filter_map(|word| word.split('=').next()) {
                    let known = help.split_whitespace().any(|word| word == flag);
                    assert!(known, "{}: {command} has no {flag}: {line}", path.display());
                }
            }
        }
    }
}

#[test]
fn the_examples_of_the_client_are_its_doc_tests() {
    let library = fs::read_to_string(repository("crates/client/src/lib.rs")).unwrap();
    let responder = fs::read_to_string(repository("crates/client/src/udp_responder.rs")).unwrap();
    let lines = library.lines().filter_map(|line| line.strip_prefix("//!"));
    let documentation: String = lines
        .chain(responder.lines().filter_map(|line| line.strip_prefix("///")))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .filter(|line| !(line.starts_with("# ") || *line == "#"))
        .map(|line| format!("{line}\n"))
        .collect();
    let tested: Vec<String> = Document::read(&documentation)
        .code
        .into_iter()
        .filter(|code| code.contains(";\n"))
        .collect();
    assert_eq!(tested.len(), 3, "{tested:?}");
    let shown = read(&repository("docs/embedding.md")).code;
    for example in tested {
        assert!(shown.contains(&example), "not in docs/embedding.md:\n{example}");
    }
}

/// The words of a document's code that can be names.
fn words(document: &Document) -> impl Iterator<Item = &str> {
    let is_end = |char: char| !(char.is_ascii_alphanumeric() || char == '_');
    document.code.iter().flat_map(move |code| code.split(is_end))
}

/// Paths with braces stand for several: `a/{b,c}.rs`.
fn expanded(path: &str) -> Vec<String> {
    match (path.split_once('{'), path.split_once('}')) {
        (Some((head, _)), Some((_, tail))) => {
            let names = &path[head.len() + 1..path.len() - tail.len() - 1];
            names.split(',').map(|name| format!("{head}{name}{tail}")).collect()
        }
        _ => vec![path.to_owned()],
    }
}

#[test]
fn every_file_that_the_map_of_the_sources_names_is_there() {
    let map = fs::read_to_string(repository("ARCHITECTURE.md")).expect("the map");
    let spans = map.split('`').skip(1).step_by(2);
    let paths = spans.filter(|span| span.contains("/src/") && !span.contains("NAME"));
    let paths: Vec<String> = paths.flat_map(expanded).collect();
    assert!(paths.len() > 25, "{paths:?}");
    for path in paths {
        let file = path.strip_prefix("crates/").unwrap_or(&path);
        assert!(repository("crates").join(file).exists(), "{path} is not there");
    }
}
