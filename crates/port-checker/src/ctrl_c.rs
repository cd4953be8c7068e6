//! Ctrl-C.

use std::process::exit;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit_status::INTERRUPTED;

/// Waits for Ctrl-C, which ends the process no more.
pub(crate) struct CtrlC(Signal);

impl CtrlC {
    /// Begins to listen for it. Must be called within a runtime.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self(interrupts()?))
    }

    /// Waits until it is pressed. From then on a second one ends the process, whatever it does.
    pub(crate) async fn pressed(&mut self) {
        self.0.recv().await;
        if let Ok(mut second) = interrupts() {
            tokio::spawn(async move {
                second.recv().await;
                exit(INTERRUPTED.into());
            });
        }
    }
}

fn interrupts() -> anyhow::Result<Signal> {
    signal(SignalKind::interrupt()).context("cannot wait for the interrupt signal")
}
