//! Of which version and commit the command says that it is.

use std::{fs, path::Path, process::Command};

use crate::program::{port_checker, repository};

const VERSION: &str = env!("CARGO_PKG_VERSION");

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn the_command_says_its_version_and_commit() {
    let output = port_checker(&["--version"], &[]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let plain = format!("port-checker {VERSION}\n");
    let Some(commit) = commit() else { return assert_eq!(printed, plain) };
    let beginning = format!("port-checker {VERSION} ({}", &commit[..9]);
    assert!(printed.starts_with(&beginning), "{printed} instead of {beginning}");
    let rest = printed[beginning.len()..].strip_suffix(")\n").unwrap();
    let is_day = |day: &str| day.split('-').map(str::len).eq([4, 2, 2]);
    assert!(rest.is_empty() || rest.strip_prefix(' ').is_some_and(is_day), "{printed}");
}

/// The commit of which the program is built, as its builder or the repository knows it.
fn commit() -> Option<String> {
    let given = std::env::var("SOURCE_REVISION").ok().filter(|revision| !revision.is_empty());
    given.or_else(|| git(&repository(""), &["rev-parse", "HEAD"]))
}

fn git(place: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(place).args(args).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// A directory for the source, the commit that the builder names, and the version that the program then has.
type Row<'a> = (&'a str, &'a str, String);

#[test]
fn a_source_without_a_repository_is_of_no_commit() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("build-script");
    let source = repository("crates/port-checker/build.rs");
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "-o"]).arg(&script).arg(&source);
    assert!(rustc.status().unwrap().success());
    for name in ["unpacked", "foreign"] {
        fs::create_dir(directory.path().join(name)).unwrap();
        fs::copy(&source, directory.path().join(name).join("build.rs")).unwrap();
    }
    // Another repository, such as one of a home directory.
    let foreign = directory.path().join("foreign");
    git(&foreign, &["init", "--quiet"]).unwrap();
    let who = ["-c", "user.name=n", "-c", "user.email=e@example.org"];
    let commit = [&who[..], &["commit", "--quiet", "--allow-empty", "--message", "m"]].concat();
    git(&foreign, &commit).unwrap();
    let rows: [Row<'_>; 6] = [
        ("unpacked", "", VERSION.to_owned()),
        ("foreign", "", VERSION.to_owned()),
        ("unpacked", COMMIT, format!("{VERSION} (012345678)")),
        ("unpacked", "v1.2-rc", format!("{VERSION} (v1.2-rc)")),
        ("unpacked", " \n", VERSION.to_owned()),
        ("unpacked", "a\ncargo::rustc-env=X=1", format!("{VERSION} (a)")),
    ];
    for (place, given, version) in rows {
        let mut command = Command::new(&script);
        command.current_dir(directory.path().join(place));
        command.env("SOURCE_REVISION", given).env("CARGO_PKG_VERSION", VERSION);
        // The directory may lie within a repository.
        command.env("GIT_CEILING_DIRECTORIES", directory.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{place} {given:?}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let line = format!("cargo::rustc-env=VERSION={version}");
        assert!(said.lines().any(|said| said == line), "{place} {given:?}: {said}");
        assert!(!said.contains("=X=1"), "{said}");
    }
}
