//! What an operator can watch. No label has a value that an outsider can choose.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use port_checker_probe::{Fault, FaultKind, Finding, Prober, Reason, TlsVerdict, Verdict};
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder, core::Collector, process_collector::ProcessCollector,
};

use crate::{Config, limits::Scope};

mod buckets;

/// Seconds; from an honest server's certificates to the costliest that are verified.
const VERIFICATION_BUCKETS: [f64; 8] = [0.0005, 0.001, 0.0025, 0.01, 0.05, 0.1, 0.25, 1.0];

/// Seconds; from a Redis next door to the time it is given.
const REDIS_BUCKETS: [f64; 8] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25];

/// Every metric of the service.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    verdicts: IntCounterVec,
    tls_verdicts: IntCounterVec,
    tls_verification_seconds: Histogram,
    tls_verifications_waiting: IntGauge,
    probe_seconds: Histogram,
    probes: IntGauge,
    probes_limit: IntGauge,
    waiting: IntGauge,
    connections: IntGauge,
    connections_limit: IntGauge,
    limiter: IntCounterVec,
    redis_up: IntGauge,
    redis_seconds: Histogram,
    redis_errors: prometheus::IntCounter,
    faults: IntCounterVec,
}

impl Metrics {
    /// All at zero. Those about Redis are there only with Redis.
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        let registry = Registry::new();
        let metrics = Self {
            requests: counters(
                "requests_total",
                "Requests answered, by route and HTTP status.",
                &["route", "status"],
            ),
            request_seconds: histograms(
                "request_duration_seconds",
                "Duration of requests that were answered, by route, until the answer ended.",
                &["route"],
                &buckets::of_requests(config),
            ),
            verdicts: counters(
                "verdicts_total",
                "Ports judged, by verdict and address family of the target.",
                &["verdict", "family"],
            ),
            tls_verdicts: counters(
                "tls_verdicts_total",
                "Servers whose TLS was judged, by verdict.",
                &["verdict"],
            ),
            tls_verification_seconds: histogram(
                "tls_verification_duration_seconds",
                "Duration of the verification of a server's certificates.",
                &VERIFICATION_BUCKETS,
            ),
            tls_verifications_waiting: gauge(
                "tls_verifications_waiting",
                "Checks of TLS that wait for their certificates to be verified.",
            ),
            probe_seconds: histogram(
                "probe_duration_seconds",
                "Duration of the attempt that decided, of each port.",
                &buckets::of_probes(config),
            ),
            probes: gauge("probes_in_flight", "Sockets open for probes."),
            probes_limit: gauge("probes_in_flight_limit", "Sockets that may be open for probes."),
            waiting: gauge("requests_waiting", "Requests that wait for their first socket."),
            connections: gauge("connections", "Connections from clients."),
            connections_limit: gauge("connections_limit", "Connections that clients may have."),
            limiter: counters(
                "limiter_decisions_total",
                "Decisions of the rate limits, by limit.",
                &["limit", "decision"],
            ),
            redis_up: gauge("redis_up", "Whether limits are shared through Redis: 1 or 0."),
            redis_seconds: histogram(
                "redis_duration_seconds",
                "Duration of a request to Redis.",
                &REDIS_BUCKETS,
            ),
            redis_errors: prometheus::IntCounter::with_opts(opts(
                "redis_errors_total",
                "Requests to Redis without an answer.",
            ))
            .expect("a valid name"),
            faults: counters(
                "faults_total",
                "Checks that the checker could not do for a fault of its own, by kind.",
                &["kind"],
            ),
            registry,
        };
        metrics.register(config);
        metrics.touch();
        Arc::new(metrics)
    }

    fn register(&self, config: &Config) {
        let common: [Box<dyn Collector>; 16] = [
            Box::new(self.requests.clone()),
            Box::new(self.request_seconds.clone()),
            Box::new(self.verdicts.clone()),
            Box::new(self.tls_verdicts.clone()),
            Box::new(self.tls_verification_seconds.clone()),
            Box::new(self.tls_verifications_waiting.clone()),
            Box::new(self.probe_seconds.clone()),
            Box::new(self.probes.clone()),
            Box::new(self.probes_limit.clone()),
            Box::new(self.waiting.clone()),
            Box::new(self.connections.clone()),
            Box::new(self.connections_limit.clone()),
            Box::new(self.limiter.clone()),
            Box::new(self.faults.clone()),
            Box::new(build_info(config.revision)),
            Box::new(ProcessCollector::for_self()),
        ];
        let redis: [Box<dyn Collector>; 3] = [
            Box::new(self.redis_up.clone()),
            Box::new(self.redis_seconds.clone()),
            Box::new(self.redis_errors.clone()),
        ];
        let redis = redis.into_iter().filter(|_| config.redis.is_some());
        for collector in common.into_iter().chain(redis) {
            self.registry.register(collector).expect("every name is registered once");
        }
    }

    /// Makes every series that may ever be, so that rates are right from the first event on.
    fn touch(&self) {
        for route in ["/check-ports", "/check-tls", "/port/{port}"] {
            self.request_seconds.with_label_values(&[route]);
        }
        for family in ["ipv4", "ipv6"] {
            let not_open = Reason::ALL.map(Verdict::NotOpen);
            for verdict in not_open.into_iter().chain([Verdict::Open]) {
                self.verdicts.with_label_values(&[verdict.name(), family]);
            }
        }
        for verdict in TlsVerdict::NAMES {
            self.tls_verdicts.with_label_values(&[verdict]);
        }
        for scope in Scope::ALL {
            for decision in [ADMITTED, REJECTED] {
                self.limiter.with_label_values(&[scope.name(), decision]);
            }
        }
        for kind in FaultKind::ALL {
            self.faults.with_label_values(&[kind.name()]);
        }
    }

    /// A request was answered. The route is one of the service's own or `none`.
    pub(crate) fn answered(&self, route: &str, status: StatusCode) {
        self.requests.with_label_values(&[route, status.as_str()]).inc();
    }

    /// A request took this long, to the end of its answer.
    pub(crate) fn took(&self, route: &str, time: Duration) {
        self.request_seconds.with_label_values(&[route]).observe(time.as_secs_f64());
    }

    pub(crate) fn judged(&self, finding: &Finding, family: &str) {
        self.verdicts.with_label_values(&[finding.verdict.name(), family]).inc();
        self.probe_seconds.observe(finding.elapsed.as_secs_f64());
    }

    pub(crate) fn tls_judged(&self, verdict: &TlsVerdict) {
        self.tls_verdicts.with_label_values(&[verdict.name()]).inc();
    }

    pub(crate) fn tls_verified(&self, took: Duration) {
        self.tls_verification_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn tls_verification_waits(&self) -> Counted {
        self.tls_verifications_waiting.inc();
        Counted(self.tls_verifications_waiting.clone())
    }

    pub(crate) fn failed(&self, fault: &Fault) {
        self.faults.with_label_values(&[fault.kind().name()]).inc();
    }

    pub(crate) fn limiter_decided(&self, scope: Scope, admitted: bool) {
        let decision = if admitted { ADMITTED } else { REJECTED };
        self.limiter.with_label_values(&[scope.name(), decision]).inc();
    }

    pub(crate) fn redis_up(&self, up: bool) {
        self.redis_up.set(i64::from(up));
    }

    pub(crate) fn redis_answered(&self, took: Duration, well: bool) {
        self.redis_seconds.observe(took.as_secs_f64());
        if !well {
            self.redis_errors.inc();
        }
    }

    pub(crate) fn connection(&self) -> Counted {
        self.connections.inc();
        Counted(self.connections.clone())
    }

    pub(crate) fn connections_limit(&self, limit: usize) {
        self.connections_limit.set(whole(limit));
    }

    /// Everything, in the text format of Prometheus.
    pub(crate) fn text(&self, prober: &Prober) -> String {
        let budget = prober.budget();
        self.probes.set(whole(budget.in_flight()));
        self.probes_limit.set(whole(budget.limit()));
        self.waiting.set(whole(budget.waiting()));
        let mut text = Vec::new();
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        written.expect("writing to memory does not fail");
        String::from_utf8(text).expect("the format is text")
    }
}

const ADMITTED: &str = "admitted";
const REJECTED: &str = "rejected";

/// One of those that a gauge counts, until dropped.
pub(crate) struct Counted(IntGauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("port_checker")
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(opts(name, help), labels).expect("a valid name and labels")
}

fn gauge(name: &str, help: &str) -> IntGauge {
    IntGauge::with_opts(opts(name, help)).expect("a valid name")
}

fn build_info(revision: &str) -> IntGauge {
    let opts = opts("build_info", "Always 1; the version and its revision are in the labels.")
        .const_label("version", env!("CARGO_PKG_VERSION"))
        .const_label("revision", revision);
    let gauge = IntGauge::with_opts(opts).expect("a valid name");
    gauge.set(1);
    gauge
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> Histogram {
    let opts = HistogramOpts::new(name, help).namespace("port_checker").buckets(buckets.to_vec());
    Histogram::with_opts(opts).expect("a valid name")
}

fn histograms(name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
    let opts = HistogramOpts::new(name, help).namespace("port_checker").buckets(buckets.to_vec());
    HistogramVec::new(opts, labels).expect("a valid name and labels")
}
