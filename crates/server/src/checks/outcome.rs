//! The outcome of a check of any kind, and the one place where its parts are recorded as they become
//! known: for the log line of the request, the metrics and the debug log.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use port_checker_probe::{Fault, Finding, TlsFinding, TlsVerdict, Verdict};
use tracing::debug;

use crate::{
    admission::{admitted::Admitted, check_kind::CheckKind},
    observe::{check_summary::CheckSummary, metrics::Metrics},
};

/// The outcome of a check that has ended. JSON answers are made of it in [`encode`](super::encode).
#[derive(Debug)]
pub(crate) struct CheckOutcome<V> {
    pub(crate) target: IpAddr,
    pub(crate) kind: CheckKind,
    /// From admission to the last verdict.
    pub(crate) time: Duration,
    /// In the order asked.
    pub(crate) verdicts: Vec<V>,
    /// Why the checker could not judge every port, if it could not. The verdicts then answer nothing.
    pub(crate) fault: Option<Fault>,
}

impl<V> CheckOutcome<V> {
    fn log(&self) {
        debug!(
            target = %self.target,
            transport = self.kind.name(),
            check_ms = to_milliseconds(self.time),
            fault = self.fault.as_ref().map(|fault| fault.kind().name()),
            "the check ended"
        );
    }
}

/// Records the outcome of one check.
pub(crate) struct Recorder {
    target: IpAddr,
    kind: CheckKind,
    began: Instant,
    summary: CheckSummary,
    metrics: Arc<Metrics>,
}

impl Recorder {
    pub(super) fn new(admitted: &Admitted, metrics: &Arc<Metrics>) -> Self {
        Self {
            target: admitted.target.address(),
            kind: admitted.kind,
            began: Instant::now(),
            summary: admitted.summary.clone(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Records the verdict about one port.
    pub(super) fn finding(&self, finding: &Finding) {
        self.summary.count(finding.verdict);
        if let CheckKind::Ports(transport) = self.kind {
            self.metrics.judged(transport, finding, self.family());
        }
        debug!(
            target = %self.target,
            transport = self.kind.name(),
            port = finding.port,
            verdict = finding.verdict.name(),
            attempts = finding.attempts,
            connect_ms = milliseconds(finding),
            icmp = finding.icmp.map(|icmp| icmp.message.name()),
            icmp_from = finding.icmp.map(|icmp| tracing::field::display(icmp.from)),
            "judged"
        );
    }

    /// Records the verdict about a server. A port that accepted the connection counts as open, even if the
    /// handshake failed.
    pub(super) fn tls_finding(&self, finding: &TlsFinding) {
        self.summary.count(match finding.verdict {
            TlsVerdict::NotConnected(reason) => Verdict::NotOpen(reason),
            TlsVerdict::Valid | TlsVerdict::Invalid(_) => Verdict::Open,
        });
        debug!(
            target = %self.target,
            transport = self.kind.name(),
            verdict = finding.verdict.name(),
            "judged"
        );
    }

    /// Records that the checker could not judge.
    pub(super) fn fault(&self, fault: &Fault) {
        self.metrics.failed(fault);
    }

    /// The whole outcome of the check, once it has ended.
    pub(super) fn outcome<V>(&self, verdicts: Vec<V>, fault: Option<Fault>) -> CheckOutcome<V> {
        let Self { target, kind, began, .. } = *self;
        let outcome = CheckOutcome { target, kind, time: began.elapsed(), verdicts, fault };
        outcome.log();
        outcome
    }

    const fn family(&self) -> &'static str {
        if self.target.is_ipv4() { "ipv4" } else { "ipv6" }
    }
}

/// The time of the attempt that decided.
pub(super) fn milliseconds(finding: &Finding) -> f64 {
    to_milliseconds(finding.elapsed)
}

/// To the microsecond: more digits would be noise.
fn to_milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
