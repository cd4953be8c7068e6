//! Checks of a server's TLS: a handshake with an address of it, and the verification of its certificates.

use std::sync::Arc;

use port_checker_probe::{
    Fault, Target, TlsContact, TlsExpectation, TlsFinding, TlsProber, TlsVerdict,
};

use super::{
    checker::Checker,
    outcome::{CheckOutcome, Recorder},
    verification::verify,
};
use crate::{
    admission::{
        admitted::Admitted, caller_slots::SlotRequest, check_kind::CheckKind,
        context::RequestContext, control::AdmissionControl, server_name::VettedServer,
    },
    error::ApiError,
    rate_limit::RateLimitHeaders,
};

/// A check of a server's TLS.
pub(crate) struct TlsCheck<'a> {
    pub(crate) checker: &'a Checker,
    pub(crate) admission: &'a AdmissionControl,
    pub(crate) context: &'a RequestContext,
    pub(crate) expected: TlsExpectation,
}

/// An outcome, and the allowances that are left after it.
type Checked = (RateLimitHeaders, CheckOutcome<TlsFinding>);

impl TlsCheck<'_> {
    /// Tries the addresses of the server until one accepts the connection.
    ///
    /// # Errors
    /// The first address was not admitted.
    pub(crate) async fn outcome(&self, server: VettedServer) -> Result<Checked, ApiError> {
        let VettedServer { targets, verification } = server;
        let prober = self.checker.tls_prober().await?;
        let mut targets = targets.into_iter();
        let first = targets.next().expect("a vetted server has an address");
        let mut checked = self.check_one(prober, first, &verification).await?;
        for target in targets {
            if !is_not_connected(&checked.1) {
                break;
            }
            let before = self.context.summary.read();
            match self.check_one(prober, target, &verification).await {
                Ok(next) if next.1.fault.is_none() => checked = next,
                // A verdict stands, even if the next address cannot be judged.
                _ => self.context.summary.restore(before),
            }
        }
        for finding in &checked.1.verdicts {
            self.checker.metrics.tls_judged(&finding.verdict);
        }
        Ok(checked)
    }

    async fn check_one(
        &self,
        prober: &TlsProber,
        target: Target,
        verification: &Arc<SlotRequest>,
    ) -> Result<Checked, ApiError> {
        self.context.summary.begin_address(target.address(), CheckKind::Tls.name());
        let admitted = self.admission.admit(self.context, target, CheckKind::Tls).await?;
        let recorder = Recorder::new(&admitted, &self.checker.metrics);
        let quota = admitted.quota.clone();
        match self.handshake(prober, admitted, verification).await {
            Ok(finding) => {
                recorder.tls_finding(&finding);
                Ok((quota, recorder.outcome(vec![finding], None)))
            }
            Err(fault) => {
                recorder.fault(&fault);
                Ok((quota, recorder.outcome(Vec::new(), Some(fault))))
            }
        }
    }

    async fn handshake(
        &self,
        prober: &TlsProber,
        admitted: Admitted,
        verification: &Arc<SlotRequest>,
    ) -> Result<TlsFinding, Fault> {
        let Admitted { target, slot, deadline, .. } = admitted;
        let max_time = self.admission.handshake_time();
        let times = (max_time, deadline.time_left());
        let contact = prober.handshake(slot, &target, self.expected.clone(), times).await?;
        match contact {
            TlsContact::Judged(finding) => Ok(finding),
            TlsContact::Unverified(unverified) => {
                let time_left = deadline.time_left();
                verify(verification, unverified, time_left, &self.checker.metrics).await
            }
        }
    }
}

fn is_not_connected(outcome: &CheckOutcome<TlsFinding>) -> bool {
    let verdict = outcome.verdicts.first().map(|finding| &finding.verdict);
    matches!(verdict, Some(TlsVerdict::NotConnected(_)))
}
