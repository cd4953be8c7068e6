//! A test that cannot run here says so, and fails where it must run.

use std::process::Command;

/// Reports that a test is skipped because of a missing `need`.
///
/// # Panics
/// In CI (`CI` is set), where nothing may be missing.
pub fn missing(need: &str) {
    assert!(std::env::var_os("CI").is_none(), "cannot run in CI without {need}");
    say(need);
}

/// Reports that a test does less than it should because of a missing `need`.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub fn say(need: &str) {
    eprintln!("SKIPPED: needs {need}");
}

/// Whether a program is there, as its flag for the version shows; says so and asks to skip if not.
pub fn has(program: &str, version: &str) -> bool {
    let there = is_there(program, version);
    if !there {
        missing(&format!("{program}; see scripts/test"));
    }
    there
}

/// The same, without a word.
pub fn is_there(program: &str, version: &str) -> bool {
    Command::new(program).arg(version).output().is_ok()
}

/// Whether this process is root; says so and asks to skip if not.
pub fn is_root() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| {
        use std::os::unix::fs::MetadataExt;
        me.uid() == 0
    });
    if !root {
        missing("root, to make network namespaces");
    }
    root
}
