//! Whether the statements hold, and the exit status.

use std::{fmt, num::NonZeroUsize, process::ExitCode};

use port_checker_attestation::{Examined, Report, VerifyError};
use serde::Serialize;

use super::issuers::UnavailableIssuer;
use crate::exit_status::{ACCESSIBLE, NO_VERDICT, NOT_ACCESSIBLE};

/// The conclusion from all statements.
pub(super) struct Conclusion {
    pub(super) outcome: AttestationOutcome,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AttestationOutcome {
    Holds,
    DoesNotHold,
    /// Keys that are missing would decide.
    Undecided,
}

impl Conclusion {
    pub(super) fn of(
        report: &Report,
        examined: &[Examined],
        quorum: Option<NonZeroUsize>,
        unavailable: &[UnavailableIssuer],
    ) -> Self {
        if report.holds() {
            return Self { outcome: AttestationOutcome::Holds, reason: String::new() };
        }
        let errors = examined.iter().filter_map(|token| token.outcome.as_ref().err());
        let unknown =
            errors.clone().filter(|error| matches!(error, VerifyError::UnknownKey(_))).count();
        let others = errors.count() - unknown;
        // Without a quorum one wrong statement decides.
        let keys_would_decide = unknown > 0 && (quorum.is_some() || others == 0);
        if !unavailable.is_empty() && keys_would_decide {
            let names: Vec<_> = unavailable.iter().map(|issuer| issuer.name.as_str()).collect();
            let reason = format!("the keys of {} are missing", names.join(" and "));
            return Self { outcome: AttestationOutcome::Undecided, reason };
        }
        let reason = match (examined.len(), quorum) {
            (0, _) => "there is no statement".to_owned(),
            (all, None) => format!("{} of {all} not believed", unknown + others),
            (_, Some(quorum)) => format!(
                "not every address has a port that enough issuers saw open ({quorum} required)"
            ),
        };
        Self { outcome: AttestationOutcome::DoesNotHold, reason }
    }

    /// Why they do not hold; empty if they do.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.outcome {
            AttestationOutcome::Holds => ACCESSIBLE,
            AttestationOutcome::DoesNotHold => NOT_ACCESSIBLE,
            AttestationOutcome::Undecided => NO_VERDICT,
        })
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            AttestationOutcome::Holds => write!(f, "Holds"),
            AttestationOutcome::DoesNotHold => write!(f, "Does not hold: {}", self.reason),
            AttestationOutcome::Undecided => write!(f, "Undecided: {}", self.reason),
        }
    }
}
