//! A library of another language, in a process that answers requests.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use port_checker_testbed::skip;
use serde_json::{Value, json};

use crate::program::repository;

/// Which libraries there are. OpenSSL verifies only: it has no word for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    PyJwt,
    PythonJose,
    Jose,
    OpenSsl,
}

/// The process, which ends with the test.
pub(crate) struct Library {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Library {
    /// Starts the process, or says that the library is missing.
    pub(crate) fn start(name: Name) -> Option<Self> {
        let mut process = command(name)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program of the library starts");
        let requests = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        Some(Self { process, requests, answers })
    }

    /// The result of a request, or why it was refused.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value, String> {
        writeln!(self.requests, "{request}").expect("the process reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the process answers");
        let mut answer: Value = serde_json::from_str(&line).expect("JSON");
        match answer.get_mut("done") {
            Some(done) => Ok(done.take()),
            None => Err(answer["refused"].to_string()),
        }
    }

    /// A token of these claims.
    pub(crate) fn sign(&mut self, claims: &Value, pem: &str, headers: &Value) -> String {
        let request = json!({"do": "sign", "claims": claims, "pem": pem, "headers": headers});
        self.ask(&request).expect("a token").as_str().expect("a text").to_owned()
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(name: Name) -> Option<Command> {
    let (program, script) = match name {
        Name::PyJwt => (python()?, "pyjwt.py"),
        Name::PythonJose => (python()?, "python_jose.py"),
        Name::Jose => (variable("ATTESTATION_NPM").map(|_| "node".to_owned())?, "jose.mjs"),
        Name::OpenSsl => {
            let there = skip::has("openssl", "version") && skip::has("jq", "--version");
            (there.then(|| "bash".to_owned())?, "openssl.sh")
        }
    };
    let mut command = Command::new(program);
    command.arg(repository("crates/port-checker/tests/attestation").join(script));
    Some(command)
}

/// The interpreter of the environment that has both libraries for Python.
fn python() -> Option<String> {
    Some(variable("ATTESTATION_PYTHON")? + "/bin/python")
}

fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        skip::missing(&format!("{name}; see scripts/test"));
    }
    value
}
