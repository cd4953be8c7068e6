//! The reports of the service to its supervisor.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::net::heartbeat::Heartbeat;

/// A supervisor of the service, such as the system's service manager. No method may wait for
/// long.
pub trait Supervisor: Send + Sync + 'static {
    /// How often to be told that the service is [`alive`](Self::alive), above zero; none, the
    /// default: never.
    fn heartbeat(&self) -> Option<Duration> {
        None
    }

    /// Connections are accepted from now on.
    fn serving(&self) {}

    /// The loop that accepts connections turns, or, while shutting down, the wait for the last of
    /// them; and a worker that serves connections was free to say so. Waiting for a client to come,
    /// or for a permit for one more, is turning: the connections that hold the permits end in bounded
    /// time, and a restart would only cut them off.
    fn alive(&self) {}

    /// The service shuts down, which takes no longer than `grace`.
    fn stopping(&self, _grace: Duration) {}

    /// So many connections are left; told every second while shutting down.
    fn draining(&self, _connections: usize) {}
}

/// No supervisor.
impl Supervisor for () {}

/// Tells `supervisor` that the service is alive, as long as the accept loop lets it beat. A worker tells it,
/// because workers serve the connections.
pub(crate) fn heartbeat_for(supervisor: &Arc<impl Supervisor>) -> Heartbeat<impl FnMut()> {
    let period = supervisor.heartbeat();
    let supervisor = Arc::clone(supervisor);
    let mut last: Option<JoinHandle<()>> = None;
    Heartbeat::new(period, move || {
        // As long as no worker is free, one message waits, and not one more at every beat.
        if last.as_ref().is_none_or(JoinHandle::is_finished) {
            let supervisor = Arc::clone(&supervisor);
            last = Some(tokio::spawn(async move { supervisor.alive() }));
        }
    })
}
