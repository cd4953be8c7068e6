//! One line a request, and the id that ties it to what was logged on the way.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CONNECTION, CONTENT_TYPE, USER_AGENT},
    },
    middleware::Next,
    response::Response,
};
use hyper::body::Frame;
use port_checker_api::{NDJSON, Reason};
use tracing::{Instrument, Level, Span, debug, enabled, info, info_span, warn};

use crate::{
    error::Failure,
    net::caller::Caller,
    observe::check_summary::{SharedTally, Tally, TallyOfRequest, with_tally},
    observe::log_budget::{Kind, LogBudget},
    observe::metrics::Metrics,
    quote::shown,
    routes::state::AppState,
};

/// The header that carries a request's id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id of a client's is replaced, in bytes.
const LONGEST_ID: usize = 64;

/// When a request's head had arrived: its deadline counts from here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival(Instant);

impl Arrival {
    /// How much of `deadline` the request has left.
    pub(crate) fn time_left(self, deadline: Duration) -> Duration {
        deadline.saturating_sub(self.0.elapsed())
    }
}

/// Gives the request its id and its caller, and logs what became of it.
pub(crate) async fn access_log(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let caller =
        Caller::find(request.extensions(), request.headers(), &state.config.trusted_proxies);
    request.extensions_mut().insert(Arrival(started));
    request.extensions_mut().insert(caller);
    let id = request_id(request.headers());
    let mut record = Record {
        caller: caller.0,
        method: shown(request.method().as_str()),
        route: request.extensions().get::<MatchedPath>().cloned(),
        span: info_span!("request", request_id = id.to_str().unwrap_or_default()),
        user_agent: request.headers().get(USER_AGENT).map(of_stranger),
        started,
        tally: TallyOfRequest::default(),
        outcome: None,
        metrics: Arc::clone(&state.metrics),
        budget: Arc::clone(&state.log_budget),
    };
    let answer = with_tally(Arc::clone(&record.tally), next.run(request));
    let mut response = answer.instrument(record.span.clone()).await;
    record.outcome = Some(Outcome::of(&response));
    state.metrics.answered(record.route(), response.status());
    if state.draining.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.headers_mut().insert(REQUEST_ID, id);
    logged_at_its_end(response, record)
}

/// Logs now, or where the answer arrives line by line, after the last.
fn logged_at_its_end(response: Response, mut record: Record) -> Response {
    if response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != NDJSON) {
        return response;
    }
    let outcome = record.outcome.take();
    response.map(|body| Body::new(LoggedBody { body, record, outcome }))
}

/// An answer that arrives line by line. A client that hangs up before the last has abandoned it.
struct LoggedBody {
    body: Body,
    record: Record,
    outcome: Option<Outcome>,
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
            self.record.outcome = self.outcome.take();
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
    tally: TallyOfRequest,
    /// None until there is an answer.
    outcome: Option<Outcome>,
    metrics: Arc<Metrics>,
    budget: Arc<LogBudget>,
}

struct Outcome {
    status: StatusCode,
    tally: Option<SharedTally>,
    failure: Option<Failure>,
}

impl Outcome {
    fn of(response: &Response) -> Self {
        Self {
            status: response.status(),
            tally: response.extensions().get().cloned(),
            failure: response.extensions().get().cloned(),
        }
    }
}

impl Record {
    /// One of the service's own routes, never what the client wrote.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn log(&self, outcome: &Outcome) {
        let Outcome { status, tally, failure } = outcome;
        let tally = tally.as_ref().map(SharedTally::read);
        let is_error = status.is_server_error() || status.is_client_error();
        if !is_error && tally.is_none() && !enabled!(Level::DEBUG) {
            return;
        }
        let dialled = tally.as_ref().is_some_and(Tally::has_verdicts);
        if !self.budget.admits(self.caller, if dialled { Kind::Check } else { Kind::Other }) {
            return;
        }
        let of = |reason| tally.as_ref().and_then(|tally| tally.of(reason));
        macro_rules! line {
            ($level:ident, $what:literal) => {
                $level!(
                    caller = %self.caller,
                    method = %self.method,
                    route = self.route(),
                    user_agent = self.user_agent,
                    status = status.as_u16(),
                    code = failure.as_ref().map(|failure| failure.code.name()),
                    error = failure.as_ref().map(|failure| failure.message.as_str()),
                    target = tally.as_ref().map(|tally| tracing::field::display(tally.target)),
                    ports = tally.as_ref().map(|tally| tally.ports),
                    open = tally.as_ref().map(|tally| tally.open),
                    refused = of(Reason::Refused),
                    timed_out = of(Reason::TimedOut),
                    host_unreachable = of(Reason::HostUnreachable),
                    network_unreachable = of(Reason::NetworkUnreachable),
                    reset = of(Reason::Reset),
                    challenge_failed = of(Reason::ChallengeFailed),
                    duration_ms = milliseconds(self.started),
                    $what
                )
            };
        }
        if status.is_server_error() {
            line!(warn, "failed");
        } else if status.is_client_error() {
            line!(info, "rejected");
        } else if tally.is_some() {
            line!(info, "checked");
        } else {
            line!(debug, "answered");
        }
    }
}

impl Record {
    /// A check had probably begun: what it found so far is told.
    fn log_abandoned(&self) {
        let tally = self.tally.get().map(SharedTally::read);
        let kind = if tally.is_some() { Kind::Check } else { Kind::Other };
        if self.budget.admits(self.caller, kind) {
            info!(
                caller = %self.caller,
                method = %self.method,
                route = self.route(),
                user_agent = self.user_agent,
                target = tally.as_ref().map(|tally| tracing::field::display(tally.target)),
                ports = tally.as_ref().map(|tally| tally.ports),
                open = tally.as_ref().map(|tally| tally.open),
                duration_ms = milliseconds(self.started),
                "abandoned by the client"
            );
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let span = self.span.clone();
        let _entered = span.enter();
        match self.outcome.take() {
            Some(outcome) => {
                self.metrics.took(self.route(), self.started.elapsed());
                self.log(&outcome);
            }
            None => self.log_abandoned(),
        }
    }
}

/// A header's value as the log shows it.
fn of_stranger(value: &HeaderValue) -> String {
    shown(&String::from_utf8_lossy(value.as_bytes()))
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The client's own id where it is harmless, so that a proxy's log and ours agree; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=LONGEST_ID).contains(&bytes.len()) && bytes.iter().all(plain)
    };
    match headers.get(REQUEST_ID).filter(harmless) {
        // A clone would keep the whole head.
        Some(id) => HeaderValue::from_bytes(id.as_bytes()).expect("it was a header value"),
        None => HeaderValue::try_from(format!("{:016x}", fastrand::u64(..)))
            .expect("hexadecimal digits are a valid header value"),
    }
}
