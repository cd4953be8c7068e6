//! Ctrl-C and SIGTERM.

use std::process::exit;

use anyhow::Context;
use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::exit_status::{INTERRUPTED, TERMINATED};

/// Waits for the signals that are to end the program, which do not end the process by themselves any more.
pub(crate) struct EndSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl EndSignals {
    /// Begins to listen for them. Must be called within a runtime.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let interrupt = signal(SignalKind::interrupt());
        let terminate = signal(SignalKind::terminate());
        Ok(Self {
            interrupt: interrupt.context("cannot wait for the interrupt signal")?,
            terminate: terminate.context("cannot wait for the termination signal")?,
        })
    }

    /// The exit status that belongs to the first one. A second one then ends the process, whatever it does.
    pub(crate) async fn received(&mut self) -> u8 {
        let status = self.next().await;
        if let Ok(mut second) = Self::listen() {
            tokio::spawn(async move { exit(second.next().await.into()) });
        }
        status
    }

    /// The exit status that belongs to the next one.
    pub(crate) async fn next(&mut self) -> u8 {
        select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}
