//! The time series, each registered under its name.

use std::{
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use port_checker_api::Transport;
use port_checker_probe::IgnoredDatagrams;
use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, Result, labels,
    register_histogram_vec_with_registry as histograms,
    register_histogram_with_registry as histogram,
    register_int_counter_vec_with_registry as counters,
    register_int_counter_with_registry as counter, register_int_gauge_with_registry as gauge,
};

use super::buckets;
use crate::config::{Config, SigningKeys};

/// Seconds; from an honest server's certificates to the costliest that are verified.
const VERIFICATION_BUCKETS: [f64; 8] = [0.0005, 0.001, 0.0025, 0.01, 0.05, 0.1, 0.25, 1.0];

/// Seconds; from a Redis next door to the time it is given.
const REDIS_BUCKETS: [f64; 8] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25];

/// Of requests and connections.
pub(super) struct RequestSeries {
    pub(super) answered: IntCounterVec,
    pub(super) seconds: HistogramVec,
    pub(super) connections: IntGauge,
    pub(super) connections_limit: IntGauge,
}

impl RequestSeries {
    pub(super) fn register(config: &Config, registry: &Registry) -> Result<Self> {
        Ok(Self {
            answered: counters!(
                "requests_total",
                "Requests answered, by route and HTTP status.",
                &["route", "status"],
                registry
            )?,
            seconds: histograms!(
                "request_duration_seconds",
                "Duration of requests that were answered, by route, until the answer ended.",
                &["route"],
                buckets::of_requests(config),
                registry
            )?,
            connections: gauge!("connections", "Connections from clients.", registry)?,
            connections_limit: gauge!(
                "connections_limit",
                "Connections that clients may have.",
                registry
            )?,
        })
    }
}

/// Of the ports that were checked over one transport.
pub(super) struct PortSeries {
    pub(super) verdicts: IntCounterVec,
    pub(super) probe_seconds: Histogram,
}

impl PortSeries {
    /// Those of every transport, in the order of [`Transport::ALL`].
    pub(super) fn register_all(config: &Config, registry: &Registry) -> Result<Vec<Self>> {
        let all = Transport::ALL.iter();
        all.map(|&transport| Self::register(transport, config, registry)).collect()
    }

    fn register(transport: Transport, config: &Config, registry: &Registry) -> Result<Self> {
        // Those of TCP had their names before there was another transport.
        let prefix = match transport {
            Transport::Tcp => String::new(),
            other => format!("{}_", other.name()),
        };
        let title = transport.title();
        Ok(Self {
            verdicts: counters!(
                format!("{prefix}verdicts_total"),
                format!("{title} ports judged, by verdict and address family of the target."),
                &["verdict", "family"],
                registry
            )?,
            probe_seconds: histogram!(
                format!("{prefix}probe_duration_seconds"),
                format!("Duration of the attempt that decided, of each {title} port."),
                buckets::of_probes(config),
                registry
            )?,
        })
    }
}

/// Of the checker's means for checks.
pub(super) struct CheckSeries {
    pub(super) probes: IntGauge,
    pub(super) probes_limit: IntGauge,
    pub(super) waiting: IntGauge,
    pub(super) faults: IntCounterVec,
}

impl CheckSeries {
    pub(super) fn register(registry: &Registry) -> Result<Self> {
        Ok(Self {
            probes: gauge!("probes_in_flight", "Sockets open for probes.", registry)?,
            probes_limit: gauge!(
                "probes_in_flight_limit",
                "Sockets that may be open for probes.",
                registry
            )?,
            waiting: gauge!(
                "requests_waiting",
                "Requests that wait for their first socket.",
                registry
            )?,
            faults: counters!(
                "faults_total",
                "Checks that failed because of the checker, by kind of fault.",
                &["kind"],
                registry
            )?,
        })
    }
}

/// Of the datagrams that arrived for UDP probes.
pub(super) struct DatagramSeries {
    /// Locked while they are brought up to date, so that two readers of the metrics do not add the same twice.
    ignored: Mutex<IntCounterVec>,
}

impl DatagramSeries {
    pub(super) fn register(registry: &Registry) -> Result<Self> {
        let ignored = counters!(
            "udp_datagrams_ignored_total",
            "Datagrams and ICMP messages that answered no probe, by cause.",
            &["cause"],
            registry
        )?;
        Ok(Self { ignored: Mutex::new(ignored) })
    }

    /// Brings the counters up to those of the prober.
    pub(super) fn note_ignored(&self, ignored: &IgnoredDatagrams) {
        let counters = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
        for (cause, count) in [
            ("foreign", ignored.foreign()),
            ("malformed", ignored.malformed()),
            ("unmatched", ignored.unmatched()),
        ] {
            let counter = counters.with_label_values(&[cause]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }
}

/// Of checks of TLS.
pub(super) struct TlsSeries {
    pub(super) verdicts: IntCounterVec,
    pub(super) verification_seconds: Histogram,
    pub(super) verifications_waiting: IntGauge,
}

impl TlsSeries {
    pub(super) fn register(registry: &Registry) -> Result<Self> {
        Ok(Self {
            verdicts: counters!(
                "tls_verdicts_total",
                "Servers whose TLS was judged, by verdict.",
                &["verdict"],
                registry
            )?,
            verification_seconds: histogram!(
                "tls_verification_duration_seconds",
                "Duration of the verification of a server's certificates.",
                VERIFICATION_BUCKETS.to_vec(),
                registry
            )?,
            verifications_waiting: gauge!(
                "tls_verifications_waiting",
                "Checks of TLS that wait for their certificates to be verified.",
                registry
            )?,
        })
    }
}

/// Of the limits, and of Redis if they are there.
pub(super) struct LimitSeries {
    pub(super) decisions: IntCounterVec,
    pub(super) redis_up: IntGauge,
    pub(super) redis_seconds: Histogram,
    pub(super) redis_errors: IntCounter,
}

impl LimitSeries {
    pub(super) fn register(config: &Config, registry: &Registry) -> Result<Self> {
        // A registry that is not gathered shows nothing.
        let redis = if config.redis.is_some() { registry } else { &Registry::new() };
        Ok(Self {
            decisions: counters!(
                "limiter_decisions_total",
                "Decisions of the rate limits, by limit.",
                &["limit", "decision"],
                registry
            )?,
            redis_up: gauge!(
                "redis_up",
                "Whether limits are shared through Redis: 1 or 0.",
                redis
            )?,
            redis_seconds: histogram!(
                "redis_duration_seconds",
                "Duration of a request to Redis.",
                REDIS_BUCKETS.to_vec(),
                redis
            )?,
            redis_errors: counter!(
                "redis_errors_total",
                "Requests to Redis without an answer.",
                redis
            )?,
        })
    }
}

/// Of signed statements, and of the keys if there are any.
pub(super) struct AttestationSeries {
    pub(super) signed: IntCounter,
    pub(super) not_signed: IntCounterVec,
    key_age: IntGauge,
    /// Locked while it is brought up to date, so that two readers of the metrics do not add the same twice.
    failed_reloads: Mutex<IntCounter>,
}

impl AttestationSeries {
    pub(super) fn register(config: &Config, registry: &Registry) -> Result<Self> {
        // A registry that is not gathered shows nothing.
        let keys = if config.signing_keys.is_some() { registry } else { &Registry::new() };
        let failed_reloads = counter!(
            "signing_key_reload_failures_total",
            "Reloads at which a signing key could not be used, and the keys from before were kept.",
            keys
        )?;
        Ok(Self {
            signed: counter!("attestations_signed_total", "Statements signed.", registry)?,
            not_signed: counters!(
                "attestations_refused_total",
                "Statements that were asked for and not signed, by kind of reason.",
                &["kind"],
                registry
            )?,
            key_age: gauge!(
                "signing_key_age_seconds",
                "Time since the file of the key that signs was written.",
                keys
            )?,
            failed_reloads: Mutex::new(failed_reloads),
        })
    }

    /// Brings those of the keys up to date.
    pub(super) fn note_keys(&self, keys: &SigningKeys) {
        let written = keys.signing().modified;
        let age = written.and_then(|time| SystemTime::now().duration_since(time).ok());
        self.key_age.set(age.map_or(0, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX)));
        let failed = self.failed_reloads.lock().unwrap_or_else(PoisonError::into_inner);
        failed.inc_by(keys.failed_reloads().saturating_sub(failed.get()));
    }
}

/// Registers a constant that names the version.
pub(super) fn register_build_info(revision: &str, registry: &Registry) -> Result<()> {
    let labels = labels! { "version" => env!("CARGO_PKG_VERSION"), "revision" => revision };
    let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let opts = Opts::new("build_info", "Always 1; the version and its revision are in the labels.")
        .const_labels(labels.collect());
    gauge!(opts, registry)?.set(1);
    Ok(())
}
