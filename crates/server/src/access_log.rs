//! One line a request, and the id that ties it to what was logged on the way.

use std::{net::IpAddr, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONNECTION},
    middleware::Next,
    response::Response,
};
use port_checker_api::Reason;
use port_checker_probe::Verdict;
use tracing::{Instrument, Span, debug, info, info_span, warn};

use crate::{caller::Caller, error::Failure, state::AppState};

/// The header that carries a request's id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id of a client's is replaced, in bytes.
const LONGEST_ID: usize = 64;

/// When a request's head had arrived: its deadline counts from here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival(pub(crate) Instant);

/// What a check found, counted. A handler attaches it to its answer.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) target: IpAddr,
    pub(crate) ports: usize,
    open: usize,
    not_open: [usize; Reason::ALL.len()],
}

impl Tally {
    pub(crate) fn new(target: IpAddr, ports: usize) -> Self {
        Self { target, ports, open: 0, not_open: [0; Reason::ALL.len()] }
    }

    pub(crate) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Open => self.open += 1,
            Verdict::NotOpen(reason) => self.not_open[reason as usize] += 1,
        }
    }

    /// Nothing, where there is nothing to tell.
    fn of(&self, reason: Reason) -> Option<usize> {
        Some(self.not_open[reason as usize]).filter(|&count| count > 0)
    }
}

/// Gives the request its id, and logs what became of it.
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
    let asked = Asked {
        caller: caller.0,
        method: request.method().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
    };
    let span = info_span!("request", id = id.to_str().unwrap_or_default());
    let abandoned = Abandoned { asked: &asked, span: &span, started };
    let mut response = next.run(request).instrument(span.clone()).await;
    std::mem::forget(abandoned);
    span.in_scope(|| asked.log(&response, started));
    state.metrics.answered(asked.route(), response.status());
    if state.draining.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Logs a request whose client hung up before the answer; forgotten when there is one.
struct Abandoned<'a> {
    asked: &'a Asked,
    span: &'a Span,
    started: Instant,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let Asked { caller, method, .. } = self.asked;
        let (route, duration_ms) = (self.asked.route(), milliseconds(self.started));
        let _entered = self.span.enter();
        info!(%caller, %method, route, duration_ms, "abandoned by the client");
    }
}

struct Asked {
    caller: IpAddr,
    method: Method,
    route: Option<MatchedPath>,
}

impl Asked {
    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn log(&self, response: &Response, started: Instant) {
        let status = response.status();
        let tally = response.extensions().get::<Tally>();
        let failure = response.extensions().get::<Failure>();
        let of = |reason| tally.and_then(|tally| tally.of(reason));
        macro_rules! line {
            ($level:ident, $what:literal) => {
                $level!(
                    caller = %self.caller,
                    method = %self.method,
                    route = self.route(),
                    status = status.as_u16(),
                    code = failure.map(|failure| failure.code.name()),
                    error = failure.map(|failure| failure.message.as_str()),
                    target = tally.map(|tally| tracing::field::display(tally.target)),
                    ports = tally.map(|tally| tally.ports),
                    open = tally.map(|tally| tally.open),
                    refused = of(Reason::Refused),
                    timed_out = of(Reason::TimedOut),
                    host_unreachable = of(Reason::HostUnreachable),
                    network_unreachable = of(Reason::NetworkUnreachable),
                    reset = of(Reason::Reset),
                    challenge_failed = of(Reason::ChallengeFailed),
                    duration_ms = milliseconds(started),
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
        Some(id) => id.clone(),
        None => HeaderValue::try_from(format!("{:016x}", fastrand::u64(..)))
            .expect("hexadecimal digits are a valid header value"),
    }
}
