//! From the bytes of an answer to verdicts.

use std::collections::HashMap;

use port_checker_api::{
    CheckRequest, CheckResponse, ErrorBody, ErrorCode, Port, PortResult, Progress, Results,
    Summary, distinct,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    NoVerdict,
    checker_fault::{self, CheckerFault},
    no_verdict::{quoted, unreadable},
};

/// One line of an answer that arrives line by line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Progress(Progress),
    Summary(Summary),
    Failure(ErrorBody),
}

/// Verdicts that arrive line by line.
#[derive(Default)]
pub(crate) struct Gathered {
    results: Vec<Progress>,
    /// The last line.
    summary: Option<Summary>,
}

impl Gathered {
    /// Takes a line; returns its result for a port.
    pub(crate) fn take(&mut self, url: &str, line: &[u8]) -> Result<Option<&Progress>, NoVerdict> {
        match serde_json::from_slice(line) {
            Ok(Line::Progress(progress)) => {
                self.results.push(progress);
                Ok(self.results.last())
            }
            Ok(Line::Summary(summary)) => {
                self.summary = Some(summary);
                Ok(None)
            }
            Ok(Line::Failure(ErrorBody { detail })) => Err(NoVerdict::Refused {
                url: url.to_owned(),
                // The head of the answer has been sent with 200.
                status: detail.code.known().map_or(200, ErrorCode::status),
                code: Some(detail.code),
                message: quoted(&detail.message),
                retry_after: None,
            }),
            Err(error) => Err(NoVerdict::malformed(url, unreadable(line, &error))),
        }
    }

    /// Whether the last line was there.
    pub(crate) const fn is_complete(&self) -> bool {
        self.summary.is_some()
    }

    /// All verdicts, if there is one for every port asked.
    pub(crate) fn finish(
        self,
        url: &str,
        request: &CheckRequest,
    ) -> Result<CheckResponse, NoVerdict> {
        let Some(summary) = self.summary else {
            return Err(NoVerdict::malformed(url, "it broke off"));
        };
        let results = self.results.into_iter().map(|line| (line.port, line.result));
        let answer = complete(url, request, results.collect())?;
        Ok(CheckResponse { attestation: summary.attestation, ..answer })
    }
}

/// An answer in JSON.
pub(crate) fn json<T: DeserializeOwned>(url: &str, body: &[u8]) -> Result<T, NoVerdict> {
    serde_json::from_slice(body)
        .map_err(|error| NoVerdict::malformed(url, unreadable(body, &error)))
}

/// Verdicts that arrive as one.
pub(crate) fn whole(
    url: &str,
    request: &CheckRequest,
    body: &[u8],
) -> Result<CheckResponse, NoVerdict> {
    let answer: CheckResponse = json(url, body)?;
    let attestation = answer.attestation;
    Ok(CheckResponse { attestation, ..complete(url, request, answer.results)? })
}

/// A port that is called closed for a fault of the checker got no verdict.
fn fault(url: &str, port: Port, result: &PortResult) -> Option<NoVerdict> {
    let judged = result.accessible || result.details.as_ref().is_some_and(|it| it.reason.is_some());
    let words = result.error.as_deref().filter(|_| !judged)?;
    let shortage = checker_fault::of_words(words)? == CheckerFault::Shortage;
    Some(NoVerdict::CheckerFault { url: url.to_owned(), port, message: quoted(words), shortage })
}

/// Puts the results into the order asked, each port once.
fn complete(
    url: &str,
    request: &CheckRequest,
    results: Results,
) -> Result<CheckResponse, NoVerdict> {
    let mut found: HashMap<Port, PortResult> = results.into_iter().collect();
    let ordered: Results = distinct(request.ports.iter().copied())
        .map(|port| found.remove(&port).map(|result| (port, shown(result))).ok_or(port))
        .collect::<Result<_, _>>()
        .map_err(|port| NoVerdict::malformed(url, format!("it says nothing of port {port}")))?;
    let fault = ordered.iter().find_map(|(port, result)| fault(url, *port, result));
    fault.map_or_else(|| Ok(CheckResponse::new(ordered)), Err)
}

fn shown(result: PortResult) -> PortResult {
    PortResult { error: result.error.map(|error| quoted(&error).into()), ..result }
}
