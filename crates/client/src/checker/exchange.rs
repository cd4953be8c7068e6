//! Requests to one checker and its answers, over HTTP.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hyper::{
    Request,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER},
    http::request::Builder,
};
use hyper_util::client::legacy::connect::HttpInfo;
use port_checker_api::{CheckRequest, CheckResponse, NDJSON, Progress};
use port_checker_attestation::{KeySet, MAX_KEY_SET_BYTES};

use crate::{
    answer::{self, Gathered},
    explain::explain,
    lines::Lines,
    no_verdict::NoVerdict,
    server_url::ServerUrl,
    statement_check,
    transport::{Answer, Broken, MAX_ANSWER_BYTES, Transport},
};

/// The header field in which a checker says how long it takes to judge a port that does not answer.
const SILENT_PORT_SECONDS: &str = "silent-port-seconds";

/// Media types of a set of keys (RFC 7517, section 8.5.2), the registered one and the usual one.
const JWK_SET: &str = "application/jwk-set+json, application/json;q=0.9";

/// A checker's address and the connections to it.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) server: ServerUrl,
    pub(super) http: Transport,
    /// How long each answer may take.
    pub(super) timeout: Duration,
    /// The address of the first connection on which an answer came; clones share it.
    pub(super) peer: Arc<OnceLock<IpAddr>>,
    /// How long it takes to judge a silent port, by its own words; clones share it.
    pub(super) silent_port: Arc<OnceLock<Duration>>,
}

impl Exchange {
    pub(super) fn url(&self) -> &str {
        self.server.as_str()
    }

    /// The keys that the checker publishes.
    pub(super) async fn keys(&self) -> Result<KeySet, NoVerdict> {
        let request = Request::get(&self.server.keys).header(ACCEPT, JWK_SET);
        let answer = self.send(request, Bytes::new()).await?;
        let body = self.body_within(answer, MAX_KEY_SET_BYTES).await?;
        let text = String::from_utf8_lossy(&body);
        KeySet::from_json(&text).map_err(|error| NoVerdict::malformed(self.url(), error))
    }

    /// Verifies the statement in an answer, if one was asked for and is there.
    pub(super) async fn verify_statement(
        &self,
        request: &CheckRequest,
        answer: &CheckResponse,
    ) -> Result<(), NoVerdict> {
        let (Some(_), Some(Some(token))) = (&request.attest, &answer.attestation) else {
            return Ok(());
        };
        let wrong = |reason: String| NoVerdict::wrong_statement(self.url(), &reason);
        let keys = self.keys().await;
        let keys = keys.map_err(|error| wrong(format!("no keys to verify it with: {error}")))?;
        statement_check::verify(token, keys, request, answer).map(drop).map_err(wrong)
    }

    /// The answer to a check, whole or line by line, whichever the checker sends.
    pub(super) async fn verdicts(
        &self,
        answer: Answer,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        if is_by_lines(&answer) {
            self.gather(answer, request, on_progress).await
        } else {
            answer::whole(self.url(), request, &self.body(answer).await?)
        }
    }

    async fn gather(
        &self,
        mut answer: Answer,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let (mut lines, mut gathered) = (Lines::default(), Gathered::default());
        while let Some(piece) = self.piece(&mut answer).await? {
            for line in lines.push(&piece) {
                if let Some(progress) = gathered.take(self.url(), &line)? {
                    on_progress(progress);
                }
            }
            if gathered.is_complete() {
                break;
            }
        }
        gathered.finish(self.url(), request)
    }

    /// Sends a request; an answer that is not 200 is no verdict.
    pub(super) async fn send(&self, request: Builder, body: Bytes) -> Result<Answer, NoVerdict> {
        let request = request.body(body.into()).expect("the parts of the head are good");
        let sent = self.http.send(request, self.timeout).await;
        let answer = sent.map_err(|broken| self.broken(broken))?;
        if let Some(peer) = answer.head.extensions().get::<HttpInfo>().map(HttpInfo::remote_addr) {
            self.peer.get_or_init(|| peer.ip().to_canonical());
        }
        let headers = answer.head.headers();
        if let Some(told) = headers.get(SILENT_PORT_SECONDS).and_then(seconds) {
            self.silent_port.get_or_init(|| told);
        }
        let status = answer.head.status().as_u16();
        if status == 200 {
            return Ok(answer);
        }
        let retry_after =
            headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
        if let Some(elsewhere) = headers.get(LOCATION) {
            let elsewhere = String::from_utf8_lossy(elsewhere.as_bytes()).into_owned();
            return Err(NoVerdict::redirected(self.url(), status, &elsewhere));
        }
        // A body that breaks off does not take back the status.
        let body = self.body(answer).await.unwrap_or_default();
        Err(NoVerdict::from_answer(self.url(), status, retry_after, &body))
    }

    pub(super) async fn body(&self, answer: Answer) -> Result<Vec<u8>, NoVerdict> {
        self.body_within(answer, MAX_ANSWER_BYTES).await
    }

    /// The same, for a body that has at most so many bytes.
    pub(super) async fn body_within(
        &self,
        mut answer: Answer,
        max_bytes: usize,
    ) -> Result<Vec<u8>, NoVerdict> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut answer).await? {
            if piece.len() > max_bytes - body.len() {
                return Err(self.broken(Broken::TooLong));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn piece(&self, answer: &mut Answer) -> Result<Option<Bytes>, NoVerdict> {
        answer.piece().await.map_err(|broken| self.broken(broken))
    }

    fn broken(&self, broken: Broken) -> NoVerdict {
        let url = self.url().to_owned();
        match broken {
            Broken::TimedOut => NoVerdict::TimedOut { url, timeout: self.timeout },
            Broken::TooLong => NoVerdict::malformed(&url, "it is too long"),
            Broken::Otherwise(error) => {
                NoVerdict::Unreachable { url, reason: explain(&*error, &self.server) }
            }
        }
    }
}

/// Seconds, or the date of an HTTP message (RFC 9110, section 10.2.3). A date that has passed is now.
fn retry_after(value: &str) -> Option<Duration> {
    let seconds = value.trim().parse().ok().map(Duration::from_secs);
    seconds.or_else(|| {
        let date = httpdate::parse_http_date(value.trim()).ok()?;
        let left = date.duration_since(SystemTime::now()).unwrap_or_default();
        Some(Duration::from_secs(left.as_secs_f64().ceil() as u64))
    })
}

/// A number of seconds that a [`Duration`] can hold.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    Duration::try_from_secs_f64(value.to_str().ok()?.trim().parse().ok()?).ok()
}

/// Whether the answer arrives line by line, whatever parameters its media type has.
fn is_by_lines(answer: &Answer) -> bool {
    let kind = answer.head.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(NDJSON)
}
