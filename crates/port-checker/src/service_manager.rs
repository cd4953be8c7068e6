//! Messages to the system's service manager, after sd_notify(3).

use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use port_checker_server::Supervisor;
use sd_notify::NotifyState::{
    self, ExtendTimeoutUsec, Ready, Reloading, Status, Stopping, Watchdog,
};
use tracing::{debug, warn};

/// Where the service manager listens: a path, or an abstract name after an `@`.
const SOCKET: &str = "NOTIFY_SOCKET";

/// How long the service manager may take to make room for a message.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time that the end may take after the connections: a last write of the log and a last answer of Redis.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// The service manager, if it wants status messages.
pub(crate) struct ServiceManager {
    socket: Option<UnixDatagram>,
    /// The status of the service, in words.
    status: String,
}

impl ServiceManager {
    /// The one the environment names, if it does. `status` describes the service once it runs
    /// it.
    pub(crate) fn of_environment(status: String) -> Self {
        let socket = env::var_os(SOCKET).and_then(|name| {
            connected(&name)
                .inspect_err(|error| warn!(%error, "cannot tell the service manager ({SOCKET})"))
                .ok()
        });
        Self { socket, status }
    }

    /// Something is read again, from now until [`reloaded`](Self::reloaded).
    pub(crate) fn reloading(&self) {
        let states = NotifyState::monotonic_usec_now().map(|now| [Reloading, now]);
        match states {
            Ok(states) => self.tell(&states),
            Err(error) => warn!(%error, "cannot read the clock"),
        }
    }

    /// It was read, with this outcome.
    pub(crate) fn reloaded(&self, outcome: &str) {
        self.tell(&[Ready, Status(&format!("{}; {outcome}", self.status))]);
    }

    /// One message. That it cannot be sent is no reason to stop serving.
    fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let message: String = states.iter().map(|state| format!("{state}\n")).collect();
        if let Err(error) = socket.send(message.as_bytes()) {
            debug!(%error, "the service manager was not told");
        }
    }
}

impl Supervisor for ServiceManager {
    /// Twice as often as it must be, as sd_watchdog_enabled(3) advises.
    fn heartbeat(&self) -> Option<Duration> {
        let longest = self.socket.as_ref().and_then(|_| sd_notify::watchdog_enabled());
        longest.map(|longest| longest / 2).filter(|period| !period.is_zero())
    }

    fn serving(&self) {
        self.tell(&[Ready, Status(&self.status)]);
    }

    fn alive(&self) {
        self.tell(&[Watchdog]);
    }

    /// Asks for the time it takes: the deadline of a check is a setting, of which the unit's time
    /// limit knows nothing.
    fn stopping(&self, grace: Duration) {
        let longest = u32::try_from((grace + LAST_STEPS).as_micros()).unwrap_or(u32::MAX);
        self.tell(&[Stopping, ExtendTimeoutUsec(longest)]);
    }

    fn draining(&self, connections: usize) {
        self.tell(&[Status(&format!("Shutting down; connections left: {connections}"))]);
    }
}

/// The crate that knows the messages knows no abstract names.
fn connected(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}
