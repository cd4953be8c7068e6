//! Something done again and again beside a wait.

use std::{future::pending, pin::pin, time::Duration};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Something done again and again, for as long as whoever has it waits beside it.
pub(crate) struct Pulse<F> {
    ticks: Option<Interval>,
    beat: F,
}

impl<F: FnMut()> Pulse<F> {
    /// Beats at once and then every `period`, which is not zero; never, without one. Must be called
    /// within a runtime.
    pub(crate) fn new(period: Option<Duration>, beat: F) -> Self {
        let ticks = period.map(|period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self { ticks, beat }
    }

    /// Waits, and beats meanwhile.
    pub(crate) async fn beside<T>(&mut self, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        loop {
            tokio::select! {
                // What never has to wait must not keep it from beating.
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
