//! One checker, over HTTP.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use hyper::{
    Request, Uri,
    header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    http::{request::Builder, uri::InvalidUri},
};
use port_checker_api::{CheckRequest, CheckResponse, NDJSON, OwnAddress, Progress};
use tokio::time::sleep;
use url::Url;

use crate::{
    Family, NoVerdict,
    answer::{self, Gathered},
    lines::Lines,
    transport::{Answer, Broken, Transport},
    trust::{Roots, Trust},
};

/// How long a checker may take to answer, unless told otherwise: a little more than the longest a
/// checker with its default settings takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest `Retry-After` that is waited for instead of giving up, unless told otherwise.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes: 65,535 verbose results fit twice.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// One checker. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Checker {
    /// As it was given.
    url: String,
    base: Url,
    ip: Uri,
    check_ports: Uri,
    ready: Uri,
    http: Transport,
    trust: Trust,
    patience: Duration,
    longest_wait: Duration,
}

/// A text that is not the address of a checker.
#[derive(Debug, thiserror::Error)]
#[error("'{url}' is not the address of a checker, such as http://checker.example:9000: {reason}")]
pub struct InvalidUrl {
    url: String,
    reason: String,
}

impl Checker {
    /// The checker at `url`, such as `http://checker.example:9000`. Nothing is sent yet.
    ///
    /// # Errors
    /// `url` is not an `http` or `https` address, or has a user or password in it.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        let invalid = |reason: String| InvalidUrl { url: url.to_owned(), reason };
        let base = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        if !["http", "https"].contains(&base.scheme()) || !base.has_host() {
            return Err(invalid("expected http:// or https:// and a host".to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(invalid("expected neither user nor password".to_owned()));
        }
        let route = |name| route(&base, name).map_err(|error| invalid(error.to_string()));
        let (ip, check_ports) = (route("ip")?, route("check-ports")?);
        let trust = Trust::Authorities(Roots::default());
        Ok(Self {
            url: url.to_owned(),
            ready: route("ready")?,
            base,
            ip,
            check_ports,
            http: Transport::new(&trust, None),
            trust,
            patience: PATIENCE,
            longest_wait: LONGEST_WAIT,
        })
    }

    /// The same checker, talked to over one address family only, so that it sees this machine's
    /// address of that family.
    #[must_use]
    pub fn over(self, family: Family) -> Self {
        Self { http: Transport::new(&self.trust, Some(family)), ..self }
    }

    /// The same checker, whose certificate may also come from one of these authorities.
    #[must_use]
    pub fn trusting(self, roots: &Roots) -> Self {
        self.with(Trust::Authorities(roots.clone()))
    }

    /// The same checker, whose certificate is not looked at: for one on this machine, which is asked
    /// by another name than its certificate has.
    #[must_use]
    pub fn unverified(self) -> Self {
        self.with(Trust::Anybody)
    }

    fn with(self, trust: Trust) -> Self {
        Self { http: Transport::new(&trust, None), trust, ..self }
    }

    /// The same checker, given `patience` for each answer; 30 seconds by default.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same checker, whose `Retry-After` is waited for if it is no longer than `longest`; 10
    /// seconds by default. In a verification all waits together are no longer than that and half a
    /// second for each verdict of the checker; one that is busy again after a wait is not waited for
    /// until it has given one.
    #[must_use]
    pub fn with_longest_wait(self, longest: Duration) -> Self {
        Self { longest_wait: longest, ..self }
    }

    /// The checker's address, as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    /// Whether both are at the same address.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let path = |checker: &Self| checker.base.path().trim_end_matches('/').to_owned();
        self.base.origin() == other.base.origin() && path(self) == path(other)
    }

    /// The address from which the checker sees this machine.
    ///
    /// # Errors
    /// The checker does not answer, or has no `/ip`.
    pub async fn ip(&self) -> Result<IpAddr, NoVerdict> {
        let request = Request::get(&self.ip).header(ACCEPT, "application/json");
        let body = self.body(self.send(request, Bytes::new()).await?).await?;
        let answer: Result<OwnAddress, _> = serde_json::from_slice(&body);
        let own = answer.map_err(|error| NoVerdict::malformed(&self.url, error))?;
        Ok(own.ip.to_canonical())
    }

    /// Whether the checker takes work.
    ///
    /// # Errors
    /// It does not, does not answer, or has no `/ready`.
    pub async fn ready(&self) -> Result<(), NoVerdict> {
        self.send(Request::get(&self.ready), Bytes::new()).await.map(drop)
    }

    /// Has the checker judge ports; `on_progress` hears of each as it is judged, if the checker
    /// reports progress. When the checker is busy and says for how long, waits that long, once; see
    /// [`with_longest_wait`](Self::with_longest_wait).
    ///
    /// # Errors
    /// The checker gave no verdict about even one of the ports.
    pub async fn check(
        &self,
        request: &CheckRequest,
        mut on_progress: impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let may_wait = |wait| wait <= self.longest_wait;
        self.check_and_wait(request, &mut on_progress, may_wait).await
    }

    /// The same; `may_wait` says whether to wait so long for a checker that is busy.
    pub(crate) async fn check_and_wait(
        &self,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
        may_wait: impl FnOnce(Duration) -> bool,
    ) -> Result<CheckResponse, NoVerdict> {
        let answer = self.check_once(request, on_progress).await;
        let busy = answer.as_ref().err().and_then(NoVerdict::retry_after);
        let Some(wait) = busy else { return answer };
        if !may_wait(wait) {
            return answer;
        }
        sleep(wait).await;
        self.check_once(request, on_progress).await
    }

    /// Has the checker judge ports; does not wait for one that is busy.
    async fn check_once(
        &self,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let body = serde_json::to_vec(request).expect("a request is plain data");
        let post = Request::post(&self.check_ports);
        let post = post.header(CONTENT_TYPE, "application/json");
        let post = post.header(ACCEPT, format!("{NDJSON}, application/json;q=0.9"));
        let answer = self.send(post, body.into()).await?;
        if is_by_lines(&answer) {
            self.gather(answer, request, on_progress).await
        } else {
            answer::whole(&self.url, request, &self.body(answer).await?)
        }
    }

    async fn gather(
        &self,
        mut answer: Answer,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let (mut lines, mut gathered) = (Lines::new(MOST_BYTES), Gathered::default());
        while let Some(piece) = self.piece(&mut answer).await? {
            let ended =
                lines.push(&piece).map_err(|error| NoVerdict::malformed(&self.url, error))?;
            for line in ended {
                if let Some(progress) = gathered.take(&self.url, &line)? {
                    on_progress(progress);
                }
            }
            if gathered.is_complete() {
                break;
            }
        }
        gathered.finish(&self.url, request)
    }

    /// Sends a request; an answer that is not 200 is no verdict.
    async fn send(&self, request: Builder, body: Bytes) -> Result<Answer, NoVerdict> {
        let request = request.body(body.into()).expect("the parts of the head are good");
        let sent = self.http.send(request, self.patience).await;
        let answer = sent.map_err(|broken| self.broken(broken))?;
        let status = answer.head.status().as_u16();
        if status == 200 {
            return Ok(answer);
        }
        let retry_after = answer.head.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        if let Some(elsewhere) = answer.head.headers().get(LOCATION) {
            let message = format!("go to {}", String::from_utf8_lossy(elsewhere.as_bytes()));
            return Err(NoVerdict::from_answer(&self.url, status, None, message.as_bytes()));
        }
        // A body that breaks off does not take back the status.
        let body = self.body(answer).await.unwrap_or_default();
        Err(NoVerdict::from_answer(&self.url, status, retry_after.map(Duration::from_secs), &body))
    }

    async fn body(&self, mut answer: Answer) -> Result<Vec<u8>, NoVerdict> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut answer).await? {
            if body.len() + piece.len() > MOST_BYTES {
                return Err(NoVerdict::malformed(&self.url, "it is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn piece(&self, answer: &mut Answer) -> Result<Option<Bytes>, NoVerdict> {
        answer.piece().await.map_err(|broken| self.broken(broken))
    }

    fn broken(&self, broken: Broken) -> NoVerdict {
        let url = self.url.clone();
        match broken {
            Broken::TimedOut => NoVerdict::TimedOut { url, patience: self.patience },
            Broken::Otherwise(reason) => NoVerdict::Unreachable { url, reason },
        }
    }
}

/// A route of the checker, which may live under a path.
fn route(base: &Url, name: &str) -> Result<Uri, InvalidUri> {
    let mut url = base.clone();
    url.set_fragment(None);
    url.set_query(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(name);
    }
    url.as_str().parse()
}

/// Whether the answer arrives line by line, whatever parameters its media type has.
fn is_by_lines(answer: &Answer) -> bool {
    let kind = answer.head.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(NDJSON)
}
