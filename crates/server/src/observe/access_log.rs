//! Logs each request once, at its end, and counts it.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, USER_AGENT},
    },
    middleware::Next,
    response::Response,
};
use hyper::body::Frame;
use ipnet::IpNet;
use port_checker_api::NDJSON;
use tracing::{Instrument, Level, Span, enabled, info_span};

use super::{
    check_summary::{CheckSummary, VerdictCounts},
    log_budget::{Kind, LogBudget},
    log_line::LogLine,
    metrics::Metrics,
    request_id::{REQUEST_ID, request_id},
};
use crate::{error::Failure, net::caller::Caller, quote::shown};

/// Where requests are logged and counted.
#[derive(Clone)]
pub(crate) struct AccessLog {
    /// The proxies that may name the caller.
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) budget: Arc<LogBudget>,
}

/// Gives the request its id, its caller and its summary, and logs its result.
pub(crate) async fn access_log(
    State(log): State<AccessLog>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = Caller::find(request.extensions(), request.headers(), &log.trusted_proxies);
    let id = request_id(request.headers());
    let mut record = Record {
        caller: caller.0,
        method: shown(request.method().as_str()),
        route: request.extensions().get::<MatchedPath>().cloned(),
        span: info_span!("request", request_id = id.to_str().unwrap_or_default()),
        user_agent: request.headers().get(USER_AGENT).map(of_stranger),
        started: Instant::now(),
        summary: CheckSummary::default(),
        end: None,
        log,
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(record.summary.clone());
    let mut response = next.run(request).instrument(record.span.clone()).await;
    record.end = Some(End::of(&response));
    record.log.metrics.answered(record.route(), response.status());
    response.headers_mut().insert(REQUEST_ID, id);
    logged_at_its_end(response, record)
}

/// Logs now, or where the answer arrives line by line, after the last.
fn logged_at_its_end(response: Response, mut record: Record) -> Response {
    if response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != NDJSON) {
        return response;
    }
    let end = record.end.take();
    response.map(|body| Body::new(LoggedBody { body, record, end }))
}

/// An answer that arrives line by line. A client that hangs up before the last has abandoned it.
struct LoggedBody {
    body: Body,
    record: Record,
    end: Option<End>,
}

impl hyper::body::Body for LoggedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.record.end = self.end.take();
        }
        Poll::Ready(frame)
    }
}

/// A request; logged when dropped.
struct Record {
    caller: IpAddr,
    method: String,
    route: Option<MatchedPath>,
    user_agent: Option<String>,
    span: Span,
    started: Instant,
    summary: CheckSummary,
    /// None until the answer has ended.
    end: Option<End>,
    log: AccessLog,
}

/// How a request ended that was answered.
struct End {
    status: StatusCode,
    failure: Option<Failure>,
}

impl End {
    fn of(response: &Response) -> Self {
        Self { status: response.status(), failure: response.extensions().get().cloned() }
    }

    fn is_error(&self) -> bool {
        self.status.is_server_error() || self.status.is_client_error()
    }
}

impl Record {
    /// The pattern of the route, never the path that the client wrote.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn log(&self) {
        let counts = self.summary.read();
        let is_quiet = |end: &End| !end.is_error() && counts.is_none() && !enabled!(Level::DEBUG);
        if self.end.as_ref().is_some_and(is_quiet) {
            return;
        }
        let is_check = match &self.end {
            Some(_) => counts.as_ref().is_some_and(VerdictCounts::has_verdicts),
            // The check had probably begun.
            None => counts.is_some(),
        };
        let kind = if is_check { Kind::Check } else { Kind::Other };
        if !self.log.budget.admits(self.caller, kind) {
            return;
        }
        let line = LogLine {
            caller: self.caller,
            method: &self.method,
            route: self.route(),
            user_agent: self.user_agent.as_deref(),
            status: self.end.as_ref().map(|end| end.status),
            failure: self.end.as_ref().and_then(|end| end.failure.as_ref()),
            counts: counts.as_ref(),
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        line.write();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let span = self.span.clone();
        let _entered = span.enter();
        if self.end.is_some() {
            self.log.metrics.took(self.route(), self.started.elapsed());
        }
        self.log();
    }
}

/// A header's value as the log shows it.
fn of_stranger(value: &HeaderValue) -> String {
    shown(&String::from_utf8_lossy(value.as_bytes()))
}
