//! From the bytes of an answer to verdicts.

use port_checker_api::{
    CheckRequest, CheckResponse, ErrorBody, PortResult, Progress, Results, Summary,
};
use serde::Deserialize;

use crate::NoVerdict;

/// The media type of an answer that arrives line by line.
pub(crate) const NDJSON: &str = "application/x-ndjson";

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
    ended: bool,
}

impl Gathered {
    /// Takes a line; returns what it says about a port.
    pub(crate) fn take(&mut self, url: &str, line: &[u8]) -> Result<Option<&Progress>, NoVerdict> {
        match serde_json::from_slice(line) {
            Ok(Line::Progress(progress)) => {
                self.results.push(progress);
                Ok(self.results.last())
            }
            Ok(Line::Summary(Summary { .. })) => {
                self.ended = true;
                Ok(None)
            }
            Ok(Line::Failure(ErrorBody { detail })) => Err(NoVerdict::Refused {
                url: url.to_owned(),
                status: detail.code.status(),
                message: detail.message,
                retry_after: None,
            }),
            Err(error) => Err(NoVerdict::malformed(url, error)),
        }
    }

    /// All verdicts, if there is one for every port asked.
    pub(crate) fn finish(
        self,
        url: &str,
        request: &CheckRequest,
    ) -> Result<CheckResponse, NoVerdict> {
        if !self.ended {
            return Err(NoVerdict::malformed(url, "it broke off"));
        }
        let results = self.results.into_iter().map(|line| (line.port, line.result));
        complete(url, request, results.collect())
    }
}

/// Verdicts that arrive as one.
pub(crate) fn whole(
    url: &str,
    request: &CheckRequest,
    body: &[u8],
) -> Result<CheckResponse, NoVerdict> {
    let answer: CheckResponse =
        serde_json::from_slice(body).map_err(|error| NoVerdict::malformed(url, error))?;
    complete(url, request, answer.results)
}

/// Puts the results into the order asked, each port once.
fn complete(
    url: &str,
    request: &CheckRequest,
    results: Results,
) -> Result<CheckResponse, NoVerdict> {
    let mut found: Vec<Option<PortResult>> = vec![None; usize::from(u16::MAX) + 1];
    for (port, result) in results {
        found[usize::from(port.get())] = Some(result);
    }
    let mut ordered = Vec::with_capacity(request.ports.len());
    let mut seen = vec![false; found.len()];
    for &port in &request.ports {
        let index = usize::from(port.get());
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        let missing = || NoVerdict::malformed(url, format!("it says nothing of port {port}"));
        ordered.push((port, found[index].take().ok_or_else(missing)?));
    }
    Ok(CheckResponse::new(ordered.into_iter().collect()))
}
