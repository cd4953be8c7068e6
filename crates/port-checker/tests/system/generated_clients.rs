//! Clients that others' tools generate from the OpenAPI document: they compile, and they work.

use std::{
    ffi::OsString,
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use port_checker_testbed::{
    certificates::{Identity, write},
    datagrams::Answering,
    http::{JSON, get, post},
    ports::{Held, LOOPBACK, Listening, Refusing},
    process::Service,
    skip,
};
use serde_json::{Value, json};

use crate::{
    program::{port_checker, repository},
    recipes::{CHECKER, recipe},
};

mod newer;

const SETTINGS: [(&str, &str); 2] =
    [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_RETRIES", "1")];

/// The programs that use the clients.
const PROGRAMS: &str = "crates/port-checker/tests/generated";

/// The challenge that the UDP port answers with.
const CHALLENGE: &str = "made up for one request";

/// The strictest settings of the compiler for a single program.
const TSC: [&str; 8] = [
    "--strict",
    "--noUncheckedIndexedAccess",
    "--noEmitOnError",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "client.ts",
];

#[test]
fn a_generated_python_client_compiles_and_works() {
    let Some(tools) = tools("OPENAPI_PYTHON") else { return };
    let bin = Path::new(&tools).join("bin");
    let world = World::new();
    let run = |program: &str, arguments: &[&str]| {
        succeeds(&mut world.command(bin.join(program), arguments))
    };
    world.generate("generate-python", &bin);
    let generated = world.path("generated");
    std::fs::rename(generated.join("port_checker_client"), world.path("port_checker_client"))
        .expect("the package is there");
    run("python", &["-m", "compileall", "-q", "port_checker_client"]);
    run("mypy", &["--strict", "client.py"]);
    world.check(&run("python", &["client.py"]));
}

#[test]
fn a_generated_typescript_client_compiles_and_works() {
    let Some(tools) = tools("OPENAPI_TYPESCRIPT") else { return };
    let world = World::new();
    let modules = Path::new(&tools).join("node_modules");
    symlink(&modules, world.path("node_modules")).expect("a directory of the test's own");
    write(world.directory.path(), "package.json", r#"{"type": "module"}"#);
    world.generate("generate-typescript", &modules.join(".bin"));
    succeeds(&mut world.command(modules.join(".bin/tsc"), &TSC));
    world.check(&succeeds(&mut world.command("node".into(), &["client.js"])));
}

/// The directory of a generator, or that it is missing.
fn tools(variable: &str) -> Option<OsString> {
    let tools = std::env::var_os(variable);
    if tools.is_none() {
        skip::missing(&format!("{variable}, the directory of the tools; see scripts/test"));
    }
    tools
}

/// A checker, ports for it to check, and a directory with the programs.
struct World {
    directory: tempfile::TempDir,
    service: Service,
    https: Service,
    newer: SocketAddr,
    open: Listening,
    closed: Refusing,
    udp: Answering,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for program in ["client.py", "client.ts"] {
            let from = repository(PROGRAMS).join(program);
            std::fs::copy(from, directory.path().join(program)).expect("it is there");
        }
        let identity = Identity::self_signed(&["localhost"]);
        let (certificate, key) = identity.write(directory.path(), "server");
        let pair = [("PORT_CHECKER_TLS_CERT", certificate), ("PORT_CHECKER_TLS_KEY", key)];
        let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
        let https = Service::start(port_checker(&["serve"], &SETTINGS).envs(pair));
        let (open, closed) = (Listening::on(LOOPBACK), Refusing::on(LOOPBACK));
        let udp = Answering::with(LOOPBACK, CHALLENGE);
        Self { directory, service, https, newer: newer::start(), open, closed, udp }
    }

    fn url(&self) -> String {
        format!("http://{}", self.service.address)
    }

    /// Runs the command of the book, which finds the generator among `programs`.
    fn generate(&self, name: &str, programs: &Path) {
        let command = recipe(name).replace(CHECKER, &self.url());
        let path = std::env::var("PATH").expect("a path");
        let mut shell = self.command("sh".into(), &["-c", &command]);
        let printed = succeeds(shell.env("PATH", format!("{}:{path}", programs.display())));
        assert!(!printed.to_lowercase().contains("warning"), "{printed}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, program: PathBuf, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.directory.path());
        command.env("URL", self.url()).env("TLS", self.https.address.port().to_string());
        command.env("NEWER", format!("http://{}", self.newer));
        command.env("OPEN", self.open.port().to_string());
        command.env("CLOSED", self.closed.port().to_string());
        command.env("UDP", self.udp.port().to_string()).env("CHALLENGE", CHALLENGE);
        command
    }

    /// Compares the output of a program with the answers to requests that were made by hand.
    fn check(&self, output: &str) {
        let found: Value = serde_json::from_str(output).expect("JSON");
        let mut expected = self.expected();
        // A timestamp, which the clients read into types of their languages.
        expected["tls"][3] = found["tls"][3].clone();
        assert!(found["tls"][3].as_f64() > Some(0.0), "{found:#}");
        assert_eq!(found, expected);
    }

    fn expected(&self) -> Value {
        let (open, closed) = (self.open.port().get(), self.closed.port().get());
        let ask = |path: &str, body: Value| {
            post(self.service.address, path, JSON, body.to_string().as_bytes())
        };
        let checked = ask("/check-ports", json!({"ports": [open, closed]})).json();
        let refused = ask("/check-ports", json!({"ports": [open], "provider_ip": "home.example"}));
        let tls = json!({"host": "localhost", "port": self.https.address.port()});
        let tls = ask("/check-tls", tls).json();
        let ip = get(self.service.address, "/ip").body;
        json!({
            "success": checked["success"],
            "message": checked["message"],
            "ports": [open.min(closed), open.max(closed)],
            "open": [true, null, false],
            "closed": [false, "Connection refused", true],
            "udp": [true, "matched"],
            "refused": [422, true, refused.message()],
            "ip": String::from_utf8(ip).expect("text"),
            "own": ["127.0.0.1", open, true, null, false],
            "tls": [false, tls["peer"], tls["error"], tls["not_after"]],
            "status": ["ok", "ready"],
            "newer": [false, "eaten", "growled", "time_exceeded", 422, "OUT_OF_INK"],
        })
    }
}

/// The output of a command that succeeds.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {printed}{complaint}");
    printed
}
