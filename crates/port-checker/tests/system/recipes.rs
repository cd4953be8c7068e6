//! The recipes of the book, run from its text.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

use port_checker_testbed::{namespace::Namespace, process::Service, skip};

use crate::program::{PORT_CHECKER, configure, repository};

pub(crate) mod daily;
mod no_verdict;

/// The checker of the book.
pub(crate) const CHECKER: &str = "https://checker.example";

/// The ports of the book: that which can be reached here, and that which cannot.
const OPEN: &str = "7466";
const CLOSED: &str = "50800";

/// A port that the firewall below makes silent.
const SILENT: &str = "50801";

/// The address of the book, from which the checker sees this machine.
const ADDRESS: &str = "203.0.113.7";

/// A program, its recipe, and the separator that it wants between ports.
type Program = (&'static str, &'static str, &'static str);

/// The programs of the book for several ports.
const PROGRAMS: [Program; 3] = [
    ("python3", "check_ports.py", " "),
    ("node", "check-ports.mjs", " "),
    ("sh", "check-ports", ","),
];

const FIREWALL: &str = "
    table inet machine {
        chain input {
            type filter hook input priority 0;
            tcp dport 50800 reject with tcp reset
            tcp dport 50801 drop
        }
    }
";

/// The recipe of this name.
pub(crate) fn recipe(name: &str) -> String {
    block("docs/recipes.md", name)
}

/// The fenced block of a document with this name behind its language.
pub(crate) fn block(document: &str, name: &str) -> String {
    let book = fs::read_to_string(repository(document)).expect("the book");
    let mut lines = book.lines();
    let fence = |line: &str| {
        line.strip_prefix("```").is_some_and(|info| info.split(' ').nth(1) == Some(name))
    };
    assert!(lines.by_ref().any(fence), "no recipe {name}");
    lines.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect()
}

/// A machine with a network that holds nothing but itself, whose address is that of the book.
struct Machine {
    network: Namespace,
    directory: tempfile::TempDir,
}

impl Machine {
    /// Makes it, with the recipes on it; says what is missing.
    fn new() -> Option<Self> {
        if !(skip::is_root() && skip::has("nft", "--version") && skip::has("jq", "--version")) {
            return None;
        }
        if !skip::has("node", "--version") || python().is_none() {
            return None;
        }
        let network = Namespace::new();
        network.ip(&["address", "add", ADDRESS, "dev", "lo"]);
        // The ports of the book are not given to connections.
        network.sysctl("net.ipv4.ip_local_port_range=40000 50000");
        network.firewall(FIREWALL);
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["check-port"].into_iter().chain(PROGRAMS.map(|(_, recipe, _)| recipe)) {
            write_program(&directory.path().join(name), &recipe(name));
        }
        Some(Self { network, directory })
    }

    /// A checker on it.
    fn checker(&self, settings: &[(&str, &str)]) -> (Service, String) {
        let mut serve = self.network.command(PORT_CHECKER, &["serve"]);
        let here = [("PORT_CHECKER_HOST", "0.0.0.0"), ("PORT_CHECKER_ALLOWED_TARGETS", ADDRESS)];
        configure(&mut serve, &[&here, settings].concat());
        let service = Service::start(&mut serve);
        let url = format!("http://{ADDRESS}:{}", service.address.port());
        (service, url)
    }

    /// Something that listens on the open port of the book.
    fn listener(&self) -> TcpListener {
        self.network.within(|| TcpListener::bind(format!("{ADDRESS}:{OPEN}")).expect("it is free"))
    }

    /// Runs a program of the book, with these ports.
    fn run(&self, (program, recipe, separator): Program, url: &str, ports: &[&str]) -> Output {
        let _listener = (program == "sh").then(|| self.listener());
        let script = format!("{program} ./{recipe} {url} {}", ports.join(separator));
        self.shell(&script)
    }

    /// Runs a script beside the recipes.
    fn shell(&self, script: &str) -> Output {
        let python = python().expect("it was there").join("bin");
        let path = std::env::var("PATH").expect("a path");
        let mut command = self.network.command("sh", &["-c", script]);
        command.env("PATH", format!("{}:{path}", python.display()));
        command.current_dir(self.directory.path()).output().expect("a shell")
    }
}

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("RECIPES_PYTHON").map(PathBuf::from);
    if python.is_none() {
        skip::missing("RECIPES_PYTHON, an environment with aiohttp; see scripts/test");
    }
    python
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("a directory of the test's own");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the test's own");
}

/// Each of the lines that a program printed, sorted: verdicts come in any order.
fn lines(output: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> =
        String::from_utf8_lossy(output).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn the_lines_for_curl_print_what_the_book_shows() {
    let Some(machine) = Machine::new() else { return };
    let (_checker, url) = machine.checker(&[]);
    let _listener = machine.listener();
    let mut printed = Vec::new();
    for line in recipe("curl").lines() {
        let output = machine.shell(&line.replace(CHECKER, &url));
        assert!(output.status.success(), "{line}: {output:?}");
        printed.extend(output.stdout.trim_ascii_end());
        printed.push(b'\n');
    }
    assert_eq!(lines(&printed), lines(recipe("curl-output").as_bytes()));
}

#[test]
fn the_exit_status_tells_open_from_closed() {
    let Some(machine) = Machine::new() else { return };
    let (_checker, url) = machine.checker(&[]);
    for program in PROGRAMS {
        let both = machine.run(program, &url, &[OPEN, CLOSED]);
        assert_eq!(both.status.code(), Some(1), "{both:?}");
        let printed = lines(&both.stdout);
        assert_eq!(printed.len(), 2, "{both:?}");
        assert!(
            printed[0].starts_with(CLOSED) && printed[0].contains("Connection refused"),
            "{both:?}"
        );
        assert_eq!(printed[1], format!("{OPEN} open"), "{both:?}");
        let open = machine.run(program, &url, &[OPEN]);
        assert_eq!(open.status.code(), Some(0), "{open:?}");
    }
    let _listener = machine.listener();
    for (port, status) in [(OPEN, 0), (CLOSED, 1)] {
        let output = machine.shell(&format!("./check-port {url} {port}"));
        assert_eq!(output.status.code(), Some(status), "{output:?}");
    }
}

#[test]
fn another_checker_is_asked_where_one_has_no_verdict() {
    let Some(machine) = Machine::new() else { return };
    let (_checker, url) = machine.checker(&[]);
    let several = recipe("several");
    let several = several.replace("https://one.example", "http://127.0.0.1:1");
    let several = several.replace("https://two.example", &url);
    let output = machine.shell(&several);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(lines(&output.stdout).contains(&format!("{OPEN} open")), "{output:?}");
}

#[test]
fn mypy_finds_nothing_to_complain_about() {
    let Some(machine) = Machine::new() else { return };
    let output = machine.shell("mypy --strict check_ports.py");
    assert!(output.status.success(), "{output:?}");
}
