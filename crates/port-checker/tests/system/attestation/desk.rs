//! Where requestors and providers of the tests work.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use port_checker_attestation::Claims;
use port_checker_testbed::{namespace::Namespace, skip};
use tempfile::TempDir;

use super::tokens::Key;
use crate::{
    program::{PORT_CHECKER, configure, port_checker},
    recipes::block,
};

/// The chapter with the programs.
pub(crate) const DOCUMENT: &str = "docs/attestation.md";

/// A directory with keys and statements, and the programs of the book if they are wanted.
pub(crate) struct Desk {
    directory: TempDir,
    python: PathBuf,
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) printed: String,
    pub(crate) complaints: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), python: PathBuf::new() }
    }

    /// With the programs of the book, or says what is missing.
    pub(crate) fn with_programs() -> Option<Self> {
        let Some(python) = std::env::var_os("ATTESTATION_PYTHON").map(PathBuf::from) else {
            skip::missing(
                "ATTESTATION_PYTHON, an environment with PyJWT and eth-account; see scripts/test",
            );
            return None;
        };
        let desk = Self { python, ..Self::new() };
        for program in ["requestor.py", "provider_key.py"] {
            desk.write(program, &block(DOCUMENT, program));
        }
        Some(desk)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).expect("the test's own directory");
    }

    /// Runs Python here.
    pub(crate) fn python(&self, args: &[&str], input: &str) -> Ended {
        let mut command = Command::new(self.python.join("bin/python"));
        self.run(command.args(args), input)
    }

    fn run(&self, command: &mut Command, input: &str) -> Ended {
        command.current_dir(self.directory.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        // One that refuses its arguments does not read.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Ended {
            status: output.status.code(),
            printed: text(output.stdout),
            complaints: text(output.stderr),
        }
    }

    /// Runs a script here, on a machine of a network.
    pub(crate) fn shell(&self, machine: &Namespace, script: &str) -> Ended {
        let path = std::env::var("PATH").expect("a path");
        let programs = PathBuf::from(PORT_CHECKER);
        let programs = programs.parent().expect("a directory").display();
        let python = self.python.join("bin");
        let mut command = machine.command("sh", &["-c", script]);
        configure(&mut command, &[("PATH", &format!("{}:{programs}:{path}", python.display()))]);
        self.run(&mut command, "")
    }

    /// Writes the keys of a checker; the file with the private one.
    pub(crate) fn write_keys(&self, name: &str) -> String {
        let key = Key::new();
        self.trust(&format!("{name}.json"), &key);
        self.write(&format!("{name}.pem"), &key.pem);
        let file = self.directory.path().join(format!("{name}.pem"));
        file.to_str().expect("a path in UTF-8").to_owned()
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes the public keys of a checker.
    pub(crate) fn trust(&self, name: &str, key: &Key) {
        self.write(name, &key.set().to_json());
    }

    /// Runs `attestation verify` here.
    pub(crate) fn verify(&self, args: &[&str]) -> Ended {
        self.run(&mut port_checker(&[&["attestation", "verify"], args].concat(), &[]), "")
    }

    /// Has the requestor's program read statements.
    pub(crate) fn request(&self, args: &[&str], statements: &[String]) -> Ended {
        self.python(&[&["requestor.py"], args].concat(), &(statements.join("\n") + "\n"))
    }
}

pub(crate) fn sign(key: &Key, claims: &Claims) -> String {
    key.ours.sign(claims).expect("random numbers")
}
