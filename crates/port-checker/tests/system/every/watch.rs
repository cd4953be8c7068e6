//! A machine that watches itself: `verify --every` with its files, and a port that opens and closes.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    process::Command,
};

use port_checker_testbed::{
    ports::unused,
    process::{Running, wait_until},
};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::program::{PORT_CHECKER, configure};

/// The name of the file for the node exporter.
pub(super) const TEXTFILE: &str = "verify.prom";

/// What the command of `--exec` writes, a line for each run.
const TELL: &str = r#"echo "$PORT_CHECKER_PREVIOUS_STATUS>$PORT_CHECKER_STATUS \
reachable=$PORT_CHECKER_REACHABLE unreachable=$PORT_CHECKER_UNREACHABLE \
no_verdict=$PORT_CHECKER_NO_VERDICT ip=$PORT_CHECKER_IP" >>told"#;

/// `port-checker verify --every` in a separate directory.
pub(super) struct Watch {
    pub(super) directory: TempDir,
    pub(super) running: Running,
}

impl Watch {
    /// Starts it with these arguments.
    pub(super) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    fn start_with(arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        command.args(["-c", r#"umask 077; exec "$0" "$@" >out 2>err"#, PORT_CHECKER, "verify"]);
        configure(command.args(arguments).current_dir(&directory), settings);
        Self { running: Running::launch(&mut command), directory }
    }

    /// Starts it with this checker once a second, and a command and a textfile.
    pub(super) fn of(ports: &str, server: SocketAddr) -> Self {
        Self::with(ports, server, &[])
    }

    /// The same with these variables in its environment.
    pub(super) fn with(ports: &str, server: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let url = format!("http://{server}");
        let arguments = ["--server", &url, "--local", "--no-router", "--every=1s", ports];
        let files = ["--exec", TELL, "--textfile", TEXTFILE];
        Self::start_with(&[&arguments[..], &files].concat(), settings)
    }

    /// A file of its directory; empty if there is none.
    pub(super) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    /// Waits until a file has so many lines that begin with `start`.
    pub(super) fn wait_for(&self, name: &str, count: usize, start: &str) {
        let lines = || self.file(name).lines().filter(|line| line.starts_with(start)).count();
        wait_until(&format!("{count} lines {start}… are in {name}"), || lines() >= count);
    }

    /// Waits for the end of so many further rounds.
    pub(super) fn wait_for_rounds(&self, count: usize) {
        let rounds = || self.file("out").lines().filter(|line| line.starts_with("20")).count();
        let before = rounds();
        wait_until(&format!("{count} more rounds end"), || rounds() >= before + count);
    }

    /// The samples of the textfile whose names begin with this.
    pub(super) fn samples(&self, name: &str) -> Vec<String> {
        let text = self.file(TEXTFILE);
        text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    }

    /// The number of a sample without labels.
    pub(super) fn sample(&self, name: &str) -> f64 {
        let samples = self.samples(&format!("port_checker_verify_{name} "));
        let [sample] = &samples[..] else { panic!("{name}: {samples:?}") };
        sample.rsplit_once(' ').expect("a value").1.parse().expect("a number")
    }
}

/// A port of loopback that is held all the time, and refuses connections or accepts them.
pub(super) struct Door {
    socket: Socket,
    pub(super) port: u16,
}

impl Door {
    /// A closed one.
    pub(super) fn new() -> Self {
        let port = unused(1)[0].get();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // A port that was asked for is kept when the socket stops listening.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        socket.bind(&address.into()).expect("a free port");
        Self { socket, port }
    }

    pub(super) fn open(&self) {
        self.socket.listen(128).expect("a bound socket can listen");
    }

    pub(super) fn close(&self) {
        self.socket.shutdown(std::net::Shutdown::Both).expect("a listener can stop");
    }
}
