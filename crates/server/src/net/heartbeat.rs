//! A signal at regular intervals that a loop still turns.

use std::{future::pending, pin::pin, time::Duration};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Calls a function at regular intervals while its owner waits: it stops if the owner is stuck.
pub(crate) struct Heartbeat<F> {
    ticks: Option<Interval>,
    beat: F,
}

impl Heartbeat<fn()> {
    /// Never beats.
    pub(crate) fn none() -> Self {
        Self::new(None, || {})
    }
}

impl<F: FnMut()> Heartbeat<F> {
    /// Calls `beat` at once and then every `period`, which is not zero; without a period never. Must be
    /// called within a runtime.
    pub(crate) fn new(period: Option<Duration>, beat: F) -> Self {
        let ticks = period.map(|period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self { ticks, beat }
    }

    /// Waits for `wait`, and beats meanwhile.
    pub(crate) async fn while_waiting_for<T>(&mut self, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        loop {
            tokio::select! {
                // A wait that is always over at once must not keep it from beating.
                biased;
                () = tick(&mut self.ticks) => (self.beat)(),
                done = &mut wait => return done,
            }
        }
    }
}

async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => pending().await,
    }
}
