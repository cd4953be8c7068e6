//! Files as systemd reads them, by its manual page and by the program itself.

use std::{fs, process::Command};

use port_checker_testbed::skip;

use super::*;

/// A program of systemd's that reads files the same way and prints the result. It also substitutes,
/// so that its input must contain no dollar sign.
const SYSTEMD: &str =
    "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";

/// A file, the value of `A` in it, and why.
const VALUES: &[(&str, &str, &str)] = &[
    ("A=5", "5", "as it is"),
    ("  A = 5  ", "5", "blanks around name and value"),
    ("A=", "", "nothing"),
    ("A=5\r\n", "5", "a line end of Windows"),
    ("A=1\nA=2", "2", "the last one counts"),
    ("#A=1\n;A=2\nA=3", "3", "comments"),
    ("A=5 # five", "5 # five", "no comment behind a value"),
    ("A=5 ; five", "5 ; five", "nor this way"),
    ("A='5 '", "5 ", "single quotes"),
    ("A=\"5 \"", "5 ", "double quotes"),
    ("A=\"5\" # five", "5# five", "no comment behind quotes either"),
    ("A='a'\"b\" c", "abc", "parts side by side"),
    ("A=a'b'", "a'b'", "quotes within a value are nothing but characters"),
    (r#"A='a\'"#, r"a\", "no escapes in single quotes"),
    (r#"A="a\"b\\c\d""#, r#"a"b\c\d"#, "escapes in double quotes"),
    (r"A=a\b\\c", r"ab\c", "escapes outside of quotes"),
    ("A=a\\\nb", "ab", "goes on in the next line"),
    ("A=a \\\n  b", "a   b", "with the blanks there"),
    ("A=\"a\\\nb\"", "ab", "goes on within double quotes"),
    ("A=\"a\nb\"", "a\nb", "more than one line within quotes"),
    ("A='a\\\nb'", "a\\\nb", "and within single ones"),
    (r"A=a\ ", "a ", "a blank that is escaped"),
    ("A=b=c", "b=c", "an equals sign within"),
    ("A='a\tb\rc'", "a\tb\rc", "control characters in quotes"),
    ("A=ü", "ü", "letters of any language"),
    ("words\nA=5", "5", "a line without an assignment is skipped"),
    ("A=5\nexport A=6", "5", "so is an export"),
    ("A=5\n1A=6", "5", "and a name that is none"),
    ("\u{feff}A=4\nA=5", "5", "a byte-order mark belongs to a name"),
    ("A='5", "5", "a quotation mark that is not closed"),
];

#[test]
fn values() {
    let dollar = ("A=p$ss", "p$ss", "nothing is substituted");
    for (file, value, why) in VALUES.iter().copied().chain([dollar]) {
        let reading = read(file);
        let last = reading.assignments.iter().rfind(|(_, name, _)| name == "A");
        assert_eq!(last.map(|(.., value)| value.as_str()), Some(value), "{why}: {reading:?}");
    }
}

#[test]
fn systemd_reads_the_same() {
    if !fs::exists(SYSTEMD).is_ok_and(|there| there) {
        return skip::missing(SYSTEMD);
    }
    for (file, value, why) in VALUES {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("environment.d");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("zz.conf"), file).unwrap();
        // It writes text for a shell, but for control characters; and nothing where the value is empty.
        let shell = r#"eval "$("$0")"; printf %s "$A""#;
        let mut systemd = Command::new("bash");
        systemd.args(["-c", shell, SYSTEMD]).env_clear().env("XDG_CONFIG_HOME", home.path());
        let output = systemd.output().unwrap();
        let theirs = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            theirs,
            value.replace('\n', r"\n").replace('\t', r"\t").replace('\r', r"\r"),
            "{why}: {output:?}"
        );
    }
}

#[test]
fn what_probably_means_something_else_is_told_with_its_line() {
    let cases = [
        ("A=1\nexport B=2", 2, "'export'", "not in the environment"),
        ("\n\nA=5 # five", 3, "part of the value", "a comment in the value"),
        ("A=\"5\" # five", 1, "part of the value", "behind quotes"),
        ("A 5", 1, "passes it over", "no equals sign"),
        ("A=\"a\n\nb\"\nexport B=1", 4, "'export'", "behind a value of several lines"),
        ("# see C:\\\nA=1", 1, "before systemd 254", "a comment that may go on"),
    ];
    for (file, line, words, why) in cases {
        let warnings = read(file).warnings;
        assert!(
            matches!(&*warnings, [(at, said)] if *at == line && said.contains(words)),
            "{why}: {warnings:?}"
        );
    }
    for file in ["A=p#ss", "A='5 # five'", "# export A=1", "A=\"5\"\n"] {
        assert_eq!(read(file).warnings, [], "{file}");
    }
}
