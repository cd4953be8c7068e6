//! Checks of ports.

use port_checker_api::ChallengeOutcome;
use port_checker_limits::Receipt;
use port_checker_probe::{Check, Fault, Finding, Probe};

use super::{
    checker::Checker,
    outcome::{CheckOutcome, Recorder},
};
use crate::admission::admitted::Admitted;

/// A check of ports under way.
pub(crate) struct PortsCheck {
    check: Check,
    recorder: Recorder,
    receipt: Receipt,
}

impl PortsCheck {
    /// Begins.
    pub(crate) fn begin(checker: &Checker, admitted: Admitted, probe: Probe) -> Self {
        let recorder = Recorder::new(&admitted, &checker.metrics);
        let Admitted { target, slot, receipt, deadline, max_attempts, .. } = admitted;
        let prober = match max_attempts {
            Some(attempts) => checker.prober.limited_to(attempts),
            None => checker.prober.clone(),
        };
        let check = prober.check(slot, target, probe, deadline.time_left());
        Self { check, recorder, receipt }
    }

    /// How many ports are checked.
    pub(crate) fn port_count(&self) -> usize {
        self.check.target().ports().len()
    }

    /// The next finding, recorded; none when every port has one.
    ///
    /// # Errors
    /// The checker could not judge a port; it then judges none of the rest.
    pub(crate) async fn next(&mut self) -> Option<Result<Finding, Fault>> {
        let next = self.check.next().await;
        match &next {
            Some(Ok(finding)) => {
                if finding.challenge == Some(ChallengeOutcome::Matched) {
                    self.receipt.note_match();
                }
                self.recorder.finding(finding);
            }
            Some(Err(fault)) => {
                self.receipt.give_back().await;
                self.recorder.fault(fault);
            }
            None => self.receipt.give_back().await,
        }
        next
    }

    /// The whole outcome, once every port is judged or the checker cannot go on.
    pub(crate) async fn outcome(mut self) -> CheckOutcome<Finding> {
        let mut findings = Vec::with_capacity(self.port_count());
        let mut fault = None;
        while let Some(next) = self.next().await {
            match next {
                Ok(finding) => findings.push(finding),
                Err(error) => fault = Some(error),
            }
        }
        findings.sort_unstable_by_key(|finding| finding.index);
        self.end(findings, fault)
    }

    /// Ends the outcome; where the findings went out line by line, without them.
    pub(super) fn end(
        &self,
        findings: Vec<Finding>,
        fault: Option<Fault>,
    ) -> CheckOutcome<Finding> {
        self.recorder.outcome(findings, fault)
    }
}
