//! Files with one statement on each line.

use std::{
    fs::File,
    io::{self, Read, stdin},
    path::{Path, PathBuf},
};

use port_checker_server::escaped;

/// The most statements that are verified at once: each checker gives one for each address and transport.
const MAX_STATEMENTS: usize = 1000;

/// The longest file, in bytes: forty of the longest statements, or thousands of usual ones.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The name of standard input on the command line.
const STDIN: &str = "-";

/// Each statement, and where it was found.
///
/// # Errors
/// A file cannot be read, or there are too many statements.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for path in files {
        let is_stdin = path.as_os_str() == STDIN;
        let name = if is_stdin { "stdin".to_owned() } else { shown(path) };
        let bytes = if is_stdin { bounded(stdin().lock()) } else { open(path) };
        let bytes = bytes.map_err(|error| format!("cannot read {name}: {error}"))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(format!("{name} is longer than {MAX_FILE_BYTES} bytes"));
        }
        // A character that is none makes its own statement invalid, and no other.
        let text = String::from_utf8_lossy(&bytes);
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        found.extend(lines.map(|(number, line)| (format!("{name}:{number}"), line.to_owned())));
        if found.len() > MAX_STATEMENTS {
            return Err(format!("there are more than {MAX_STATEMENTS} statements"));
        }
    }
    Ok(found)
}

fn open(path: &Path) -> io::Result<Vec<u8>> {
    File::open(path).and_then(bounded)
}

/// One byte more than is allowed shows that there is more.
fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy(), usize::MAX)
}
