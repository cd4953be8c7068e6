//! The outcome of a check of ports line by line, as each port is judged.

use bytes::Bytes;
use futures_util::{Stream, stream};
use port_checker_api::Port;
use port_checker_probe::{Fault, Finding, Verdict};

use super::{
    attester::StatementOrder,
    encode::{last_line, port_line},
    ports::PortsCheck,
};

/// The lines of a check, once the first port is judged.
///
/// # Errors
/// The checker could not judge the first: nothing was sent yet, and the answer can still be an error.
pub(crate) async fn lines(
    mut check: PortsCheck,
    verbose: bool,
    order: Option<StatementOrder>,
) -> Result<impl Stream<Item = Bytes> + Send, Fault> {
    let first = check.next().await.transpose()?;
    let lines = LineStream {
        check,
        first,
        verbose,
        order,
        proven: Vec::new(),
        accessible: 0,
        ended: false,
    };
    Ok(stream::unfold(lines, |mut lines| async { lines.next().await.map(|line| (line, lines)) }))
}

struct LineStream {
    check: PortsCheck,
    first: Option<Finding>,
    verbose: bool,
    order: Option<StatementOrder>,
    /// The ports for the statement, if one was ordered.
    proven: Vec<Port>,
    accessible: usize,
    ended: bool,
}

impl LineStream {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let next = match self.first.take() {
            Some(finding) => Some(Ok(finding)),
            None => self.check.next().await,
        };
        self.ended = !matches!(next, Some(Ok(_)));
        Some(match next {
            Some(Ok(finding)) => {
                self.accessible += usize::from(finding.verdict == Verdict::Open);
                if self.order.is_some() {
                    self.proven.extend(StatementOrder::qualifies(&finding));
                }
                port_line(&finding, self.verbose)
            }
            last => {
                let fault = last.and_then(Result::err);
                last_line(
                    self.check.end(Vec::new(), fault),
                    (self.accessible, self.check.port_count()),
                    self.order.take(),
                    &self.proven,
                )
            }
        })
    }
}
