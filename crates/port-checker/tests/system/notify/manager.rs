//! A service manager's end of the socket.

use std::{
    ffi::OsString,
    io,
    net::SocketAddr,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as UnixAddress, UnixDatagram},
    },
    process::Command,
    time::Duration,
};

use crate::program::port_checker;

/// How long a message may take to come, far beyond what it needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Far longer than the time between two pings.
const SILENCE: Duration = Duration::from_secs(2);

/// The service manager's end.
pub(super) struct Manager {
    socket: UnixDatagram,
    /// `NOTIFY_SOCKET`.
    pub(super) name: OsString,
}

impl Manager {
    /// At a path, as systemd does it on the host.
    pub(super) fn at_path(directory: &tempfile::TempDir) -> Self {
        let name = directory.path().join("notify");
        let socket = UnixDatagram::bind(&name).expect("a socket");
        Self::of(socket, name.into())
    }

    /// With an abstract name, as containers do it.
    pub(super) fn abstractly() -> Self {
        let name = format!("port-checker-test-{}", std::process::id());
        let address = UnixAddress::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket");
        Self::of(socket, format!("@{name}").into())
    }

    fn of(socket: UnixDatagram, name: OsString) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        Self { socket, name }
    }

    /// `port-checker serve` that tells this manager.
    pub(super) fn serve(&self, settings: &[(&str, &str)]) -> Command {
        let mut command = port_checker(&["serve"], settings);
        command.env("NOTIFY_SOCKET", &self.name);
        command
    }

    /// The lines of the next message.
    pub(super) fn next(&self) -> io::Result<Vec<String>> {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message)?;
        let text = String::from_utf8_lossy(&message[..length]);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The next message with this line.
    pub(super) fn wait_for(&self, line: &str) -> Vec<String> {
        loop {
            let message = self.next().unwrap_or_else(|error| panic!("no {line}: {error}"));
            if message.iter().any(|said| said == line) {
                return message;
            }
        }
    }

    /// Whether nothing comes for a while.
    pub(super) fn hears_nothing(&self) -> bool {
        self.socket.set_read_timeout(Some(SILENCE)).expect("a time");
        let said = self.next();
        self.socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        said.is_err()
    }

    /// Reads what has come.
    pub(super) fn catch_up(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).expect("a socket");
        let said = std::iter::from_fn(|| self.next().ok()).flatten().collect();
        self.socket.set_nonblocking(false).expect("a socket");
        said
    }
}

/// What a message says of `name`.
pub(super) fn value<'a>(message: &'a [String], name: &str) -> &'a str {
    let value = message.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {message:?}"))
}

/// The address in `STATUS=Listening on …`.
pub(super) fn listening(message: &[String]) -> SocketAddr {
    let status = value(message, "STATUS").strip_prefix("Listening on ").expect("an address");
    status.split([',', ';']).next().and_then(|text| text.parse().ok()).expect("an address")
}
