//! Listening sockets from the system's service manager, after sd_listen_fds(3).

use std::{env, net::TcpListener};

use anyhow::{Context, bail};
use listenfd::ListenFd;

/// The name of the socket for `/metrics`. A socket of any other name is for callers.
const METRICS: &str = "metrics";

/// Listening sockets that were made before this process began.
#[derive(Default)]
pub(crate) struct ActivatedSockets {
    /// For callers.
    pub(crate) api: Option<TcpListener>,
    /// For `/metrics`.
    pub(crate) metrics: Option<TcpListener>,
}

impl ActivatedSockets {
    /// Takes those there are. To be called once, and before there is a second thread: it changes the
    /// environment.
    ///
    /// # Errors
    /// There are others than one TCP socket for each purpose.
    pub(crate) fn take() -> anyhow::Result<Self> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut sockets = ListenFd::from_env();
        let mut taken = Self::default();
        for index in 0..sockets.len() {
            let socket = sockets.take_tcp_listener(index);
            let socket = socket.with_context(|| format!("LISTEN_FDS: socket {index}"))?;
            let (purpose, place) = match names.next() {
                Some(METRICS) => ("called metrics", &mut taken.metrics),
                _ => ("for callers", &mut taken.api),
            };
            if place.is_some() {
                bail!("LISTEN_FDS: more than one socket {purpose}; expected one at most");
            }
            *place = socket;
        }
        Ok(taken)
    }
}
