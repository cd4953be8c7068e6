//! One checker, over HTTP.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use port_checker_api::{CheckRequest, CheckResponse, NDJSON, OwnAddress, Progress};
use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
};
use tokio::time::sleep;

use crate::{
    Family, NoVerdict,
    answer::{self, Gathered},
    lines::Lines,
};

/// How long a checker may take to answer, unless told otherwise: a little more than the longest a
/// checker with its default settings takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest `Retry-After` that is waited for instead of giving up, unless told otherwise.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a connection may take. Shorter than the patience for an answer, so that a dead path of
/// one family does not take it all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes: 65,535 verbose results fit twice.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// One checker. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Checker {
    /// As it was given.
    url: String,
    base: Url,
    http: Client,
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
        // Fails only if somebody else has chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http().build().map_err(|error| invalid(error.to_string()))?;
        Ok(Self { url: url.to_owned(), base, http, patience: PATIENCE, longest_wait: LONGEST_WAIT })
    }

    /// The same checker, talked to over one address family only, so that it sees this machine's
    /// address of that family.
    #[must_use]
    pub fn over(self, family: Family) -> Self {
        let http = http().local_address(family.unspecified()).build();
        Self { http: http.expect("the same settings were good for any family"), ..self }
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

    /// The address from which the checker sees this machine.
    ///
    /// # Errors
    /// The checker does not answer, or has no `/ip`.
    pub async fn ip(&self) -> Result<IpAddr, NoVerdict> {
        let url = self.route("ip");
        let request = self.http.get(url.clone()).header(ACCEPT, "application/json");
        let body = self.body(self.send(url.as_str(), request).await?).await?;
        let answer: Result<OwnAddress, _> = serde_json::from_slice(&body);
        answer.map(|own| own.ip).map_err(|error| NoVerdict::malformed(url.as_str(), error))
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
            Err(busy) if busy.retry_after().is_some_and(|wait| wait <= self.longest_wait) => {
                sleep(busy.retry_after().unwrap_or_default()).await;
                self.check_once(request, &mut on_progress).await
            }
            answer => answer,
        }
    }

    async fn check_once(
        &self,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let url = self.route("check-ports");
        let body = serde_json::to_vec(request).expect("a request is plain data");
        let post = self.http.post(url.clone()).header(CONTENT_TYPE, "application/json");
        let post = post.header(ACCEPT, format!("{NDJSON}, application/json;q=0.9")).body(body);
        let response = self.send(url.as_str(), post).await?;
        let by_lines = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == NDJSON);
        if by_lines {
            self.gather(response, request, on_progress).await
        } else {
            answer::whole(url.as_str(), request, &self.body(response).await?)
        }
    }

    async fn gather(
        &self,
        mut response: Response,
        request: &CheckRequest,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let url = response.url().to_string();
        let (mut lines, mut gathered) = (Lines::new(MOST_BYTES), Gathered::default());
        while let Some(piece) = self.piece(&mut response).await? {
            let ended = lines.push(&piece).map_err(|error| NoVerdict::malformed(&url, error))?;
            for line in ended {
                if let Some(progress) = gathered.take(&url, &line)? {
                    on_progress(progress);
                }
            }
        }
        gathered.finish(&url, request)
    }

    /// Sends a request; an answer that is not 200 is no verdict.
    async fn send(&self, url: &str, request: RequestBuilder) -> Result<Response, NoVerdict> {
        let sent = request.timeout(self.patience).send().await;
        let response =
            sent.map_err(|error| NoVerdict::from_transport(url, self.patience, &error))?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(response);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|seconds| seconds.parse().ok());
        let body = self.body(response).await?;
        Err(NoVerdict::from_answer(url, status, retry_after.map(Duration::from_secs), &body))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, NoVerdict> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut response).await? {
            if body.len() + piece.len() > MOST_BYTES {
                return Err(NoVerdict::malformed(response.url().as_str(), "it is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, NoVerdict> {
        let piece = response.chunk().await;
        piece.map_err(|error| {
            NoVerdict::from_transport(response.url().as_str(), self.patience, &error)
        })
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

fn http() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("port-checker/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        // A proxy or a redirect would make the checker see somebody else's address.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
}
