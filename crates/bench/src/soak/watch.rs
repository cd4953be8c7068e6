//! Measurements while the attacks go on: how fast `/health` answers, and how much memory there is.

use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use super::{
    lab::{bare, send},
    service::Attacked,
};

/// Who asks for `/health`: a monitor with an address that nobody else has.
const MONITOR: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 90);

/// Between two looks.
const EVERY: Duration = Duration::from_millis(50);

/// Between two readings of the memory.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// How long the answers of `/health` took.
pub(crate) struct Health {
    /// In seconds, in order.
    times: Vec<f64>,
    /// How often there was no answer.
    pub(crate) missing: u64,
}

impl Health {
    /// Asks until the time is over, each time on a new connection, from the namespace that this
    /// thread is in.
    pub(crate) fn until(end: Instant) -> Self {
        let mut health = Self { times: Vec::new(), missing: 0 };
        while Instant::now() < end || health.times.is_empty() && health.missing == 0 {
            let begun = Instant::now();
            let answer = send(MONITOR, &bare("GET", "/health", "Connection: close\r\n"));
            health.times.push(begun.elapsed().as_secs_f64());
            health.missing += u64::from(!answer.is_ok_and(|answer| answer.status == 200));
            thread::sleep(EVERY.saturating_sub(begun.elapsed()));
        }
        health.times.sort_by(f64::total_cmp);
        health
    }

    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// The time in seconds within which this part of all was answered.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let index = (part * self.times.len() as f64).ceil() as usize;
        self.times[index.clamp(1, self.times.len()) - 1]
    }
}

/// Resident memory in bytes, once a second until the time is over or the service has ended.
pub(crate) fn memory(service: &Attacked, end: Instant) -> Vec<f64> {
    let mut readings = Vec::new();
    let mut next = Instant::now();
    while next < end && service.goes_on() {
        readings.push(service.resident());
        next += READ_AGAIN;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    readings
}
