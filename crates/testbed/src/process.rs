//! Programs under test: started, listened to, and stopped by their process id.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    ports::{LOOPBACK, unused},
    skip,
};

/// How long a program may take for its task, far beyond its need.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a program may take to end before it is killed.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long to wait between two looks at a program that does not tell when it is ready.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A running `port-checker`; it is killed when dropped.
pub struct Service {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    lines: mpsc::Receiver<String>,
}

impl Service {
    /// Starts `command` and waits until it says where it listens. The command should set
    /// `PORT_CHECKER_PORT=0`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut service = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), lines };
        let line = service.wait_for_line("listening");
        let port = line.split("address").nth(1).and_then(|rest| {
            let address = rest.trim_start_matches(['=', '"', ':']).split(['"', ' ']).next()?;
            Some(address.parse::<SocketAddr>().ok()?.port())
        });
        service.address.set_port(port.unwrap_or_else(|| panic!("no address in {line:?}")));
        service
    }

    /// The first of the further log lines that contains `text`.
    ///
    /// # Panics
    /// When the log ends without it.
    pub fn wait_for_line(&mut self, text: &str) -> String {
        self.lines_until(text).pop().expect("the line itself is among them")
    }

    /// The further log lines up to the first that contains `text`.
    ///
    /// # Panics
    /// When the log ends without it.
    pub fn lines_until(&mut self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => lines.push(line),
                Err(error) => panic!("no line with {text:?}: {error}"),
            }
            if lines.last().is_some_and(|line| line.contains(text)) {
                return lines;
            }
        }
    }

    /// Sends a signal, such as `TERM`.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Changes its open-file limit, as `prlimit --nofile` writes it: `3:` is the soft limit.
    ///
    /// # Panics
    /// When the system does not let it.
    pub fn limit_descriptors(&self, limit: &str) {
        let pid = self.child.id().to_string();
        let limit = format!("--nofile={limit}");
        let done = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(done.is_ok_and(|status| status.success()), "prlimit --pid {pid} {limit}");
    }

    /// Ends the service with SIGTERM; returns how it ended and the log lines not yet read.
    ///
    /// # Panics
    /// When it does not end.
    pub fn finish(mut self) -> (ExitStatus, Vec<String>) {
        self.signal("TERM");
        let status = wait(&mut self.child);
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            lines.push(line);
        }
        (status, lines)
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it does not come.
    pub fn exit_status(mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until `done`.
///
/// # Panics
/// When it does not become true: `condition` names it.
pub fn wait_until(condition: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {condition}");
        thread::sleep(LOOK_AGAIN);
    }
}

/// Any other program; it is ended when dropped.
pub struct Running(Child);

impl Running {
    /// Starts `command` and waits until `address` takes connections.
    ///
    /// # Panics
    /// When it does not.
    #[expect(clippy::disallowed_methods, reason = "dials the program it started")]
    pub fn start(command: &mut Command, address: SocketAddr) -> Self {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = Self(quiet.spawn().expect("the program starts"));
        wait_until("the program listens", || {
            let gone = running.0.try_wait().ok().flatten();
            assert!(gone.is_none(), "{command:?} ended: {gone:?}");
            std::net::TcpStream::connect(address).is_ok()
        });
        running
    }

    /// Starts `command` and waits for nothing.
    ///
    /// # Panics
    /// When it does not start.
    pub fn launch(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).spawn().expect("the program starts"))
    }

    /// Whether it has not ended yet.
    pub fn goes_on(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it does not come.
    pub fn exit_status(mut self) -> ExitStatus {
        wait(&mut self.0)
    }

    /// Starts the Python service that `PYTHON_SERVICE` names the command of, or says that it is
    /// missing.
    ///
    /// # Panics
    /// When it does not start.
    pub fn python_service() -> Option<(Self, SocketAddr)> {
        let program = std::env::var_os("PYTHON_SERVICE");
        let Some(program) = program.filter(|program| Path::new(program).exists()) else {
            skip::missing("PYTHON_SERVICE, the path of its command; see scripts/test");
            return None;
        };
        let address = free_address();
        let mut command = Command::new(program);
        command.env("PORT_CHECKER_HOST", address.ip().to_string());
        command.env("PORT_CHECKER_PORT", address.port().to_string());
        Some((Self::start(&mut command, address), address))
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal, such as `STOP`.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn signal(&self, name: &str) {
        signal(&self.0, name);
    }
}

/// Sends a signal, such as `INT`.
///
/// # Panics
/// When there is no such process.
pub fn signal(child: &Child, name: &str) {
    assert!(signal_if_there(child, name), "kill -s {name} {}", child.id());
}

fn signal_if_there(child: &Child, name: &str) -> bool {
    let pid = child.id().to_string();
    let kill = Command::new("kill").args(["-s", name, &pid]).stderr(Stdio::null()).status();
    kill.is_ok_and(|status| status.success())
}

/// An address of loopback for programs that cannot be told to take any free one. Its port is one that the kernel
/// gives to nobody by itself, so it stays free until the program starts, however long that takes.
///
/// # Panics
/// When there is none.
pub fn free_address() -> SocketAddr {
    (LOOPBACK, unused(1)[0].get()).into()
}

/// Asks it to end first: a program killed at once would leave its own children behind.
impl Drop for Running {
    fn drop(&mut self) {
        signal_if_there(&self.0, "TERM");
        let begun = Instant::now();
        while begun.elapsed() < LAST_WORDS && matches!(self.0.try_wait(), Ok(None)) {
            thread::sleep(LOOK_AGAIN);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    wait_until("the process ends", || {
        status = child.try_wait().expect("the process is ours");
        status.is_some()
    });
    status.expect("just waited for")
}
