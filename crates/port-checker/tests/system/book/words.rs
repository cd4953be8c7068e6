//! Words that a reader stumbles over are nowhere, neither in documents nor in sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::program::repository;

/// Each in two parts, so that it does not stand here; and the words to use.
const AVOIDED: [(&str, &str, &str); 6] = [
    ("who", "ever", "the host, the client, the program that"),
    ("for wa", "nt of", "without, for lack of"),
    ("in pl", "ace of", "instead of"),
    ("of its", " own", "its own X, a separate X"),
    ("of the", "ir own", "their own X, a separate X"),
    ("somebody a", "nswered", "a host answered"),
];

/// Where people write; the rest is made by programs, or by others.
const DIRECTORIES: [&str; 8] =
    ["crates", "deploy", "docs", "fuzz", "monitoring", "packaging", "scripts", ".github"];

const KINDS: [&str; 11] =
    ["css", "html", "js", "md", "mjs", "py", "rs", "sh", "toml", "ts", "yaml"];

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            // The last holds an older version as it was.
            let made = ["target", "snapshots", "node_modules", "0.2.0"];
            if !made.iter().any(|name| path.ends_with(name)) {
                files(&path, found);
            }
        } else if path.extension().is_none_or(|kind| KINDS.iter().any(|known| kind == *known)) {
            found.push(path);
        }
    }
}

#[test]
fn words_that_hide_their_meaning_are_avoided() {
    let mut found = Vec::new();
    DIRECTORIES.iter().for_each(|directory| files(&repository(directory), &mut found));
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
    found.extend(documents.map(repository));
    assert!(found.len() > 300, "{} files", found.len());
    let mut avoided = String::new();
    for path in found {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in (1..).zip(text.to_lowercase().lines()) {
            for (beginning, end, instead) in AVOIDED {
                if line.contains(&format!("{beginning}{end}")) {
                    let place = path.display();
                    avoided += &format!("\n{place}:{number}: {beginning}{end}; write {instead}");
                }
            }
        }
    }
    assert!(avoided.is_empty(), "{avoided}");
}
