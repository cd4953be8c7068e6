//! One checker, over HTTP.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use port_checker_api::{CheckRequest, CheckResponse, NDJSON, OwnAddress, Progress};
use reqwest::{
    Certificate, Client, RequestBuilder, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
};
use tokio::time::sleep;

use crate::{
    Family, NoVerdict,
    answer::{self, Gathered},
    lines::Lines,
    transport::{self, Roots, choose_provider},
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
    /// As it was given, without user and password.
    url: String,
    base: Url,
    http: Client,
    /// Trusted beside those of the system.
    roots: Vec<Certificate>,
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
    /// `url` is not an `http` or `https` address.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        let invalid = |reason: String| InvalidUrl { url: url.to_owned(), reason };
        let base = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        if !["http", "https"].contains(&base.scheme()) || !base.has_host() {
            return Err(invalid("expected http:// or https:// and a host".to_owned()));
        }
        choose_provider();
        let http = transport::client(&[], None).map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            url: shown(url, &base),
            base,
            http,
            roots: Vec::new(),
            patience: PATIENCE,
            longest_wait: LONGEST_WAIT,
        })
    }

    /// The same checker, talked to over one address family only, so that it sees this machine's
    /// address of that family.
    #[must_use]
    pub fn over(self, family: Family) -> Self {
        let http = transport::client(&self.roots, Some(family));
        Self { http: http.expect("the same settings were good for any family"), ..self }
    }

    /// The same checker, whose certificate may also come from one of these authorities.
    #[must_use]
    pub fn trusting(self, roots: &Roots) -> Self {
        let http =
            transport::client(roots.certificates(), None).expect("the roots were good before");
        Self { http, roots: roots.certificates().to_vec(), ..self }
    }

    /// The same checker, given `patience` for each answer; 30 seconds by default.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same checker, whose `Retry-After` is waited for if it is no longer than `longest`; 10
    /// seconds by default.
    #[must_use]
    pub fn with_longest_wait(self, longest: Duration) -> Self {
        Self { longest_wait: longest, ..self }
    }

    /// The checker's address, as it was given.
    pub fn url(&self) -> &str {
        &self.url
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
        let request = self.http.get(self.route("ip")).header(ACCEPT, "application/json");
        let body = self.body(self.send(request).await?).await?;
        let answer: Result<OwnAddress, _> = serde_json::from_slice(&body);
        let own = answer.map_err(|error| NoVerdict::malformed(&self.url, error))?;
        Ok(own.ip.to_canonical())
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
        match self.check_once(request, &mut on_progress).await {
            Err(busy) => match self.wait_for(&busy) {
                Some(wait) => {
                    sleep(wait).await;
                    self.check_once(request, &mut on_progress).await
                }
                None => Err(busy),
            },
            answer => answer,
        }
    }

    /// How long to wait before a checker that was busy is asked once more, if it says when and that
    /// is not too long.
    pub(crate) fn wait_for(&self, busy: &NoVerdict) -> Option<Duration> {
        busy.retry_after().filter(|&wait| wait <= self.longest_wait)
    }

    /// Has the checker judge ports; does not wait for one that is busy.
    pub(crate) async fn check_once(
        &self,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let body = serde_json::to_vec(request).expect("a request is plain data");
        let post = self.http.post(self.route("check-ports"));
        let post = post.header(CONTENT_TYPE, "application/json");
        let post = post.header(ACCEPT, format!("{NDJSON}, application/json;q=0.9")).body(body);
        let response = self.send(post).await?;
        if is_by_lines(&response) {
            self.gather(response, request, on_progress).await
        } else {
            answer::whole(&self.url, request, &self.body(response).await?)
        }
    }

    async fn gather(
        &self,
        mut response: Response,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let (mut lines, mut gathered) = (Lines::new(MOST_BYTES), Gathered::default());
        while let Some(piece) = self.piece(&mut response).await? {
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
    async fn send(&self, request: RequestBuilder) -> Result<Response, NoVerdict> {
        let sent = request.timeout(self.patience).send().await;
        let response = sent.map_err(|error| self.broken(error))?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(response);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|seconds| seconds.parse().ok());
        let body = self.body(response).await?;
        Err(NoVerdict::from_answer(&self.url, status, retry_after.map(Duration::from_secs), &body))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, NoVerdict> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut response).await? {
            if body.len() + piece.len() > MOST_BYTES {
                return Err(NoVerdict::malformed(&self.url, "it is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, NoVerdict> {
        response.chunk().await.map_err(|error| self.broken(error))
    }

    fn broken(&self, error: reqwest::Error) -> NoVerdict {
        NoVerdict::from_transport(&self.url, self.patience, &error.without_url())
    }

    /// A route of the checker, which may live under a path.
    fn route(&self, name: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(name);
        }
        url
    }
}

/// Whether the answer arrives line by line, whatever parameters its media type has.
fn is_by_lines(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(NDJSON)
}

/// The address as it was given, without what is secret in it.
fn shown(given: &str, base: &Url) -> String {
    if base.username().is_empty() && base.password().is_none() {
        return given.to_owned();
    }
    let mut base = base.clone();
    // Fails only for addresses without a host.
    let _ = base.set_username("").and_then(|()| base.set_password(None));
    base.into()
}
