//! The metrics. No label has a value that a client can choose.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use port_checker_api::Transport;
use port_checker_limits::{Observer, Scope};
use port_checker_probe::{Fault, FaultKind, Finding, Prober, Reason, TlsVerdict, Verdict};
use prometheus::{IntGauge, Registry, TextEncoder, process_collector::ProcessCollector};
use strum::{IntoStaticStr, VariantArray};

use crate::{
    config::{Config, SigningKeys},
    counted::Counted,
};

mod buckets;
mod series;

use series::{
    AttestationSeries, CheckSeries, DatagramSeries, LimitSeries, PortSeries, RequestSeries,
    TlsSeries, register_build_info,
};

/// The beginning of every name.
const NAMESPACE: &str = "port_checker";

/// Why a statement that was asked for was not signed.
#[derive(Debug, Clone, Copy, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum NotSigned {
    /// The checker has no key.
    NoKey,
    /// The system does not call its clock synchronised.
    Clock,
    /// No port was open whose challenge matched.
    NoPort,
    /// The system gave no random numbers, or a time that no statement can have.
    Failed,
}

/// Every metric of the service.
pub(crate) struct Metrics {
    registry: Registry,
    /// About the process: names without the namespace.
    process: Registry,
    requests: RequestSeries,
    checks: CheckSeries,
    /// One for each transport, in the order of [`Transport::ALL`].
    ports: Vec<PortSeries>,
    datagrams: DatagramSeries,
    tls: TlsSeries,
    limits: LimitSeries,
    attestations: AttestationSeries,
}

impl Metrics {
    /// All at zero. Those about Redis are there only with Redis.
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        let metrics = Self::register(config).expect("each name is valid, and registered once");
        metrics.touch();
        Arc::new(metrics)
    }

    fn register(config: &Config) -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some(NAMESPACE.to_owned()), None)?;
        let process = Registry::new();
        process.register(Box::new(ProcessCollector::for_self()))?;
        register_build_info(config.revision, &registry)?;
        Ok(Self {
            requests: RequestSeries::register(config, &registry)?,
            checks: CheckSeries::register(&registry)?,
            ports: PortSeries::register_all(config, &registry)?,
            datagrams: DatagramSeries::register(&registry)?,
            tls: TlsSeries::register(&registry)?,
            limits: LimitSeries::register(config, &registry)?,
            attestations: AttestationSeries::register(config, &registry)?,
            registry,
            process,
        })
    }

    /// Makes the durations of these routes, as [`touch`](Self::touch) does the others.
    pub(crate) fn expect_requests<'a>(&self, routes: impl Iterator<Item = &'a str>) {
        for route in routes {
            self.requests.seconds.with_label_values(&[route]);
        }
    }

    /// Makes every series that may ever be, so that rates are right from the first event on.
    fn touch(&self) {
        for family in ["ipv4", "ipv6"] {
            let not_open = Reason::ALL.iter().copied().map(Verdict::NotOpen);
            for verdict in not_open.chain([Verdict::Open]) {
                for ports in &self.ports {
                    ports.verdicts.with_label_values(&[verdict.name(), family]);
                }
            }
        }
        for verdict in TlsVerdict::NAMES {
            self.tls.verdicts.with_label_values(&[*verdict]);
        }
        for scope in Scope::ALL {
            for decision in [ADMITTED, REJECTED] {
                self.limits.decisions.with_label_values(&[scope.name(), decision]);
            }
        }
        for kind in NotSigned::VARIANTS {
            self.attestations.not_signed.with_label_values(&[<&str>::from(kind)]);
        }
        for kind in FaultKind::ALL {
            self.checks.faults.with_label_values(&[kind.name()]);
        }
    }

    /// A request was answered. The route is one of the service's own or `none`.
    pub(crate) fn answered(&self, route: &str, status: StatusCode) {
        self.requests.answered.with_label_values(&[route, status.as_str()]).inc();
    }

    /// A request took this long, to the end of its answer.
    pub(crate) fn took(&self, route: &str, time: Duration) {
        self.requests.seconds.with_label_values(&[route]).observe(time.as_secs_f64());
    }

    pub(crate) fn judged(&self, transport: Transport, finding: &Finding, family: &str) {
        let ports = &self.ports[transport as usize];
        ports.verdicts.with_label_values(&[finding.verdict.name(), family]).inc();
        ports.probe_seconds.observe(finding.elapsed.as_secs_f64());
    }

    pub(crate) fn tls_judged(&self, verdict: &TlsVerdict) {
        self.tls.verdicts.with_label_values(&[verdict.name()]).inc();
    }

    pub(crate) fn tls_verified(&self, took: Duration) {
        self.tls.verification_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn tls_verification_waits(&self) -> Counted {
        Counted::in_gauge(&self.tls.verifications_waiting)
    }

    pub(crate) fn failed(&self, fault: &Fault) {
        self.checks.faults.with_label_values(&[fault.kind().name()]).inc();
    }

    /// A statement was signed.
    pub(crate) fn signed(&self) {
        self.attestations.signed.inc();
    }

    /// A statement that was asked for was not signed.
    pub(crate) fn not_signed(&self, kind: NotSigned) {
        self.attestations.not_signed.with_label_values(&[<&str>::from(kind)]).inc();
    }

    /// Counts the connections from clients.
    pub(crate) fn connections_gauge(&self) -> IntGauge {
        self.requests.connections.clone()
    }

    pub(crate) fn connections_limit(&self, limit: usize) {
        self.requests.connections_limit.set(whole(limit));
    }

    /// Everything, in the text format of Prometheus.
    pub(crate) fn text(&self, prober: &Prober, keys: Option<&SigningKeys>) -> String {
        let budget = prober.budget();
        self.checks.probes.set(whole(budget.in_flight()));
        self.checks.probes_limit.set(whole(budget.limit()));
        self.checks.waiting.set(whole(budget.waiting()));
        self.datagrams.note_ignored(prober.ignored_datagrams());
        if let Some(keys) = keys {
            self.attestations.note_keys(keys);
        }
        let families = [self.registry.gather(), self.process.gather()].concat();
        TextEncoder::new().encode_to_string(&families).expect("the families are well-formed")
    }
}

impl Observer for Metrics {
    fn limiter_decided(&self, scope: Scope, admitted: bool) {
        let decision = if admitted { ADMITTED } else { REJECTED };
        self.limits.decisions.with_label_values(&[scope.name(), decision]).inc();
    }

    fn redis_up(&self, up: bool) {
        self.limits.redis_up.set(i64::from(up));
    }

    fn redis_answered(&self, time: Duration, succeeded: bool) {
        self.limits.redis_seconds.observe(time.as_secs_f64());
        if !succeeded {
            self.limits.redis_errors.inc();
        }
    }
}

const ADMITTED: &str = "admitted";
const REJECTED: &str = "rejected";

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
