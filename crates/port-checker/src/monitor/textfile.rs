//! A file for the textfile collector of Prometheus' node exporter.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use port_checker_client::Family;
use prometheus::{Encoder, Gauge, GaugeVec, Opts, Registry, TextEncoder, core::Collector};

use super::{observation::Observation, round::Round};
use crate::{
    file_replacement::{reason, replace},
    output::complain,
};

/// For everybody to read: the node exporter is another user.
const MODE: u32 = 0o644;

/// The file, which is replaced as a whole.
pub(super) struct Textfile {
    path: PathBuf,
    interval: Duration,
    last_verdict: Option<SystemTime>,
}

impl Textfile {
    pub(super) fn new(path: PathBuf, interval: Duration) -> Self {
        Self { path, interval, last_verdict: None }
    }

    /// Replaces the text of the file. If that fails, it is as it was, and this is reported and no failure of ours.
    pub(super) fn keep(&mut self, round: &Round) {
        if round.observation.has_verdict() {
            self.last_verdict = Some(round.ended);
        }
        if let Err(error) = replace(&self.path, &self.text(round), MODE) {
            complain(format!("cannot write {}: {}", self.path.display(), reason(&error)));
        }
    }

    fn text(&self, round: &Round) -> Vec<u8> {
        let registry = Registry::new();
        register(&registry, reachable(&round.observation));
        let gauge = |name: &str, help: &str, value: f64| {
            let gauge = Gauge::new(format!("port_checker_verify_{name}"), help);
            let gauge = gauge.expect("the name is good");
            gauge.set(value);
            register(&registry, gauge);
        };
        let status = "0 every port is reachable; 1 at least one is not; 3 a port got no verdict.";
        gauge("status", status, round.observation.status.into());
        let last_run = "When a round last ended.";
        gauge("last_run_timestamp_seconds", last_run, unix_time(round.ended));
        if let Some(last) = self.last_verdict {
            let help = "When a round last ended with a verdict about a port.";
            gauge("last_verdict_timestamp_seconds", help, unix_time(last));
        }
        gauge("duration_seconds", "Duration of the latest round.", round.duration.as_secs_f64());
        let interval = "The time between the beginnings of two rounds.";
        gauge("interval_seconds", interval, self.interval.as_secs_f64());
        let mut text = Vec::new();
        let encoded = TextEncoder::new().encode(&registry.gather(), &mut text);
        encoded.expect("every metric has a name, and memory takes everything");
        text
    }
}

/// A sample for each port with a verdict.
fn reachable(observation: &Observation) -> GaugeVec {
    let help = "Whether a checker reached the port in the latest round; absent without a verdict.";
    let options = Opts::new("port_checker_verify_reachable", help);
    let reachable = GaugeVec::new(options, &["port", "transport", "family"]);
    let reachable = reachable.expect("the names are good");
    for state in &observation.ports {
        let Some(value) = state.reachable else { continue };
        let family = match state.family {
            Family::Ipv4 => "ipv4",
            Family::Ipv6 => "ipv6",
        };
        let port = state.port.port.to_string();
        let labels = [port.as_str(), state.port.transport.name(), family];
        reachable.with_label_values(&labels).set(value.into());
    }
    reachable
}

fn register(registry: &Registry, metric: impl Collector + 'static) {
    registry.register(Box::new(metric)).expect("each name is registered once");
}

/// Before 1970: 0.
fn unix_time(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
