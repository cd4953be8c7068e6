//! With which flags does the service of this machine run?
//!
//! A health check is given the environment of the service, and not its flags. Linux tells both of
//! every process of the same user (proc(5)).

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStringExt, fs::MetadataExt},
    path::{Path, PathBuf},
    process,
};

use clap::ArgMatches;

use crate::{args::flags_of_serve, settings::is_ours};

/// How many processes are looked at, which is more than a machine has by default.
const MAX_PROCESSES: usize = 65_536;

/// The flags of the process that runs this program, serves, and was given the same settings by its
/// environment; none if there is no such process, or more than one.
pub(crate) fn flags() -> Option<ArgMatches> {
    let myself = process::id().to_string();
    let program = program(Path::new("/proc/self"))?;
    let settings = settings(Path::new("/proc/self"))?;
    let processes = fs::read_dir("/proc").ok()?.flatten().take(MAX_PROCESSES);
    let mut found = processes
        .filter(|entry| is_number(entry.file_name().as_encoded_bytes()))
        .filter(|entry| entry.file_name() != *myself)
        .map(|entry| entry.path())
        .filter(|process| self::program(process) == Some(program))
        .filter(|process| self::settings(process).as_ref() == Some(&settings))
        .filter_map(|process| flags_of_serve(command_line(&process)?));
    found.next().filter(|_| found.next().is_none())
}

fn is_number(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_digit)
}

/// The file that a process runs, whatever it is called.
fn program(process: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(process.join("exe")).ok()?;
    Some((file.dev(), file.ino()))
}

/// The settings in the environment that a process was started with, in any order.
fn settings(process: &Path) -> Option<Vec<OsString>> {
    let mut settings = words(process.join("environ"))?;
    let name = |variable: &OsString| {
        let text = variable.to_string_lossy();
        text.split('=').next().unwrap_or_default().to_owned()
    };
    settings.retain(|variable| is_ours(&name(variable)));
    settings.sort_unstable();
    Some(settings)
}

fn command_line(process: &Path) -> Option<Vec<OsString>> {
    words(process.join("cmdline"))
}

/// The words in a file that zero bytes end.
fn words(file: PathBuf) -> Option<Vec<OsString>> {
    let contents = fs::read(file).ok()?;
    let contents = contents.strip_suffix(b"\0").unwrap_or(&contents);
    Some(contents.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect())
}
