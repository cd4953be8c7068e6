//! The words of the contract for outcomes: whole as JSON, and line by line as NDJSON.

use bytes::Bytes;
use port_checker_api::{
    CheckResponse, OwnPort, Port, PortDetails, PortResult, Progress, Summary, TlsCheckResponse,
};
use port_checker_probe::{Fault, Finding, TlsFinding, TlsVerdict, Verdict};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{
    attester::StatementOrder,
    outcome::{CheckOutcome, milliseconds},
};
use crate::error::ApiError;

impl CheckOutcome<Finding> {
    /// The answer about every port, with a statement if one was ordered.
    ///
    /// # Errors
    /// The checker could not judge even one of them, or not sign.
    pub(crate) fn into_response(
        self,
        verbose: bool,
        order: Option<StatementOrder>,
    ) -> Result<CheckResponse, ApiError> {
        let target = self.target;
        let findings = self.judged()?;
        let open = findings.iter().filter_map(StatementOrder::qualifies);
        let attestation = order.map(|order| order.sign(target, open)).transpose()?;
        let results = findings.iter().map(|it| (it.port, port_result(it, verbose)));
        Ok(CheckResponse { attestation, ..CheckResponse::new(results.collect()) })
    }

    /// The answer about the one port of a caller.
    ///
    /// # Errors
    /// The checker could not judge it.
    pub(crate) fn into_own_port(self) -> Result<OwnPort, ApiError> {
        let ip = self.target;
        let findings = self.judged()?;
        let finding = findings.first().expect("one port was asked about");
        Ok(OwnPort { ip, port: finding.port, result: port_result(finding, false) })
    }
}

impl CheckOutcome<TlsFinding> {
    /// The answer about the server `peer`.
    ///
    /// # Errors
    /// The checker could not judge it.
    pub(crate) fn into_tls_response(self, peer: String) -> Result<TlsCheckResponse, ApiError> {
        let findings = self.judged()?;
        let TlsFinding { verdict, not_after } = findings.first().expect("one server was judged");
        let error = match verdict {
            TlsVerdict::Valid => None,
            TlsVerdict::NotConnected(reason) => Some(reason.text().to_owned()),
            TlsVerdict::Invalid(problem) => Some(problem.to_string()),
        };
        let not_after = not_after.and_then(|time| time.format(&Rfc3339).ok());
        Ok(TlsCheckResponse { valid: error.is_none(), peer, error, not_after })
    }
}

impl<V> CheckOutcome<V> {
    fn judged(self) -> Result<Vec<V>, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.verdicts),
        }
    }
}

/// The line about one port.
pub(super) fn port_line(finding: &Finding, verbose: bool) -> Bytes {
    line(&Progress { port: finding.port, result: port_result(finding, verbose) })
}

/// The last line, of an outcome whose findings went out before; with a statement about the proven ones of them, if one
/// was ordered.
pub(super) fn last_line(
    outcome: CheckOutcome<Finding>,
    (accessible, ports): (usize, usize),
    order: Option<StatementOrder>,
    proven: &[Port],
) -> Bytes {
    let target = outcome.target;
    let summary = outcome.judged().map_err(ApiError::from).and_then(|_| {
        let statement = order.map(|order| order.sign(target, proven.iter().copied()));
        Ok(Summary { attestation: statement.transpose()?, ..Summary::new(accessible, ports) })
    });
    match summary {
        Ok(summary) => line(&summary),
        Err(error) => line(&error.into_body()),
    }
}

fn port_result(finding: &Finding, verbose: bool) -> PortResult {
    let (plain, reason) = match finding.verdict {
        Verdict::Open => (PortResult::accessible(), None),
        Verdict::NotOpen(reason) => (PortResult::not_accessible(reason), Some(reason)),
    };
    let details = verbose.then(|| PortDetails {
        reason: reason.map(Into::into),
        attempts: finding.attempts,
        connect_ms: milliseconds(finding),
        challenge: finding.challenge.map(Into::into),
        icmp: finding.icmp,
    });
    PortResult { details, ..plain }
}

fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).expect("a line is plain data");
    line.push(b'\n');
    line.into()
}
