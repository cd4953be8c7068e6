//! An answer that arrives line by line, as each port is judged.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use port_checker_api::{ErrorBody, NDJSON, Progress, Summary};
use port_checker_probe::{Fault, Finding, Verdict};
use serde::Serialize;

use super::ports::{Judging, result};
use crate::error::ApiError;

/// Answers once the first port is judged, so that what fails before is an answer of its own.
pub(crate) async fn answer(mut judging: Judging, verbose: bool) -> Result<Response, ApiError> {
    let first = judging.next().await.transpose()?;
    let lines = Lines { judging, first, verbose, accessible: 0, ended: false };
    let lines = stream::unfold(lines, |mut lines| async {
        let line = lines.next().await?;
        Some((Ok::<_, Infallible>(line), lines))
    });
    Ok(([(CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response())
}

struct Lines {
    judging: Judging,
    first: Option<Finding>,
    verbose: bool,
    accessible: usize,
    ended: bool,
}

impl Lines {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let finding = match self.first.take() {
            Some(finding) => Some(Ok(finding)),
            None => self.judging.next().await,
        };
        self.ended = !matches!(finding, Some(Ok(_)));
        Some(match finding {
            Some(Ok(finding)) => self.progress(&finding),
            Some(Err(fault)) => line(&failure(fault)),
            None => line(&Summary::new(self.accessible, self.judging.ports)),
        })
    }

    fn progress(&mut self, finding: &Finding) -> Bytes {
        self.accessible += usize::from(finding.verdict == Verdict::Open);
        line(&Progress { port: finding.port, result: result(finding, self.verbose) })
    }
}

fn failure(fault: Fault) -> ErrorBody {
    ApiError::from(fault).into_body()
}

fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).expect("a line is plain data");
    line.push(b'\n');
    line.into()
}
