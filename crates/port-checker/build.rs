//! Tells the program which revision of its source it is built of.

use std::{env, path::Path, process::Command};

/// How many digits of a commit are shown to people.
const SHORT: usize = 9;

fn main() {
    // Where there is no repository, as in a package's source, the builder can say.
    println!("cargo::rerun-if-env-changed=SOURCE_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    let revision = given().or_else(checked_out);
    // The log of HEAD is written with every commit and every checkout.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    println!("cargo::rustc-env=REVISION={}", revision.as_deref().unwrap_or("unknown"));
    let version = env::var("CARGO_PKG_VERSION").expect("Cargo sets it");
    let version = match revision {
        Some(revision) => format!("{version} ({})", shown(&revision)),
        None => version,
    };
    println!("cargo::rustc-env=VERSION={version}");
}

/// What the builder says, on one line.
fn given() -> Option<String> {
    let given = env::var("SOURCE_REVISION").ok()?;
    let line = given.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// The commit that is checked out. A source without a repository may lie within another one, which does
/// not track it.
fn checked_out() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    git(&["rev-parse", "HEAD"])
}

/// The beginning of a commit, and its day if the repository knows it.
fn shown(revision: &str) -> String {
    let is_commit = revision.len() >= 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = if is_commit { &revision[..SHORT] } else { revision };
    let date = is_commit.then(|| git(&["show", "--no-patch", "--format=%cs", revision])).flatten();
    date.map_or_else(|| short.to_owned(), |date| format!("{short} {date}"))
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
