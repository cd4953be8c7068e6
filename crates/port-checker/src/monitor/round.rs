//! One round, and what is printed of it.

use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;
use port_checker_client::Diagnosis;
use serde::Serialize;

use super::{changes::Changes, observation::Observation};
use crate::{exit_status::NOT_ACCESSIBLE, report};

/// One round in JSON: the document of a single verification, and what became of it.
#[derive(Serialize)]
struct Document<'a> {
    time: String,
    status: u8,
    /// None in the first round.
    changes: Option<&'a Changes>,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

/// A round that has ended.
pub(super) struct Round {
    diagnosis: Diagnosis,
    pub(super) observation: Observation,
    pub(super) ended: SystemTime,
    pub(super) duration: Duration,
}

impl Round {
    /// The round of a verification that has just ended.
    pub(super) fn of(diagnosis: Diagnosis, local_suffices: bool, duration: Duration) -> Self {
        let observation = Observation::of(&diagnosis, local_suffices);
        Self { diagnosis, observation, ended: SystemTime::now(), duration }
    }

    /// Whether the command is told of it: of the first round only if a port is not reachable.
    pub(super) fn is_news(&self, changes: Option<&Changes>) -> bool {
        match changes {
            None => self.observation.status == NOT_ACCESSIBLE,
            Some(changes) => changes.concern_verdicts(),
        }
    }

    /// A document on one line; or a line, and the report where it is news.
    pub(super) fn text(&self, changes: Option<&Changes>, json: bool) -> String {
        let time = format_rfc3339_seconds(self.ended).to_string();
        if json {
            let (status, diagnosis) = (self.observation.status, &self.diagnosis);
            let document = Document { time, status, changes, diagnosis };
            let document = serde_json::to_string(&document).expect("a diagnosis is plain data");
            return document + "\n";
        }
        let sums = report::sums(&self.diagnosis).join(" ");
        let report = || report::text(&self.diagnosis);
        match changes {
            None => format!("{time} {sums}\n\n{}\n", report()),
            Some(changes) if changes.is_empty() => format!("{time} {sums}\n"),
            Some(changes) => format!("{time} {sums} Changed: {changes}.\n\n{}\n", report()),
        }
    }
}
