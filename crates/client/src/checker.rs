//! One checker, over HTTP.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hyper::{
    Request,
    header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    http::request::Builder,
};
use hyper_util::client::legacy::connect::HttpInfo;
use port_checker_api::{CheckRequest, CheckResponse, NDJSON, OwnAddress, Progress};
use rustls::ClientConfig;
use tokio::time::sleep;

use crate::{
    Family, InvalidUrl, NoVerdict,
    answer::{self, Gathered},
    explain::explain,
    lines::Lines,
    server_url::ServerUrl,
    transport::{Answer, Broken, Transport},
};

mod builder;

pub use builder::CheckerBuilder;

/// The longest answer that is read, in bytes: 65,535 verbose results fit twice.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// One checker. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Checker {
    server: ServerUrl,
    tls: ClientConfig,
    http: Transport,
    timeout: Duration,
    max_wait: Duration,
}

impl Checker {
    /// The checker at `url`, such as `http://checker.example:9000`; without a scheme it is `http`. The
    /// rest is as by default. Nothing is sent yet.
    ///
    /// # Errors
    /// `url` is not an `http` or `https` address, or has a user or password in it.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Ok(Self::builder(url)?.build())
    }

    /// The same, with more to say about how it is asked.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use port_checker_client::{Checker, Family};
    ///
    /// let checker = Checker::builder("checker.example:9000")?
    ///     .over(Family::Ipv4)
    ///     .timeout(Duration::from_secs(8))
    ///     .max_wait(Duration::ZERO)
    ///     .build();
    /// # Ok::<(), port_checker_client::InvalidUrl>(())
    /// ```
    ///
    /// # Errors
    /// As above.
    pub fn builder(url: &str) -> Result<CheckerBuilder, InvalidUrl> {
        CheckerBuilder::new(url)
    }

    /// The same checker, talked to over one address family only, so that it sees this machine's
    /// address of that family.
    pub(crate) fn over(&self, family: Family) -> Self {
        Self { http: Transport::new(self.tls.clone(), Some(family)), ..self.clone() }
    }

    /// The checker's address, as it was given; with `http://` before it if it had no scheme, and without
    /// a route of the checker at its end.
    pub fn url(&self) -> &str {
        self.server.as_str()
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait
    }

    /// The one family over which it can be asked, if it is an address and not a name.
    pub(crate) fn only_family(&self) -> Option<Family> {
        self.server.only_family()
    }

    /// Whether both are at the same address.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.server.is_same(&other.server)
    }

    /// The address from which the checker sees this machine.
    ///
    /// # Errors
    /// The checker does not answer, or has no `/ip`.
    pub async fn ip(&self) -> Result<IpAddr, NoVerdict> {
        let request = Request::get(&self.server.ip).header(ACCEPT, "application/json");
        let answer = self.send(request, Bytes::new()).await?;
        let here = answer.head.extensions().get::<HttpInfo>().map(HttpInfo::remote_addr);
        let own: OwnAddress = answer::json(self.url(), &self.body(answer).await?)?;
        let own = own.ip.to_canonical();
        if own.is_loopback() && here.is_some_and(|here| !here.ip().to_canonical().is_loopback()) {
            let reason = format!(
                "it says that it sees us from {own}, its own loopback address: a proxy stands before \
                 it that it does not know of (PORT_CHECKER_TRUSTED_PROXIES)"
            );
            return Err(NoVerdict::malformed(self.url(), reason));
        }
        Ok(own)
    }

    /// Whether the checker takes work.
    ///
    /// # Errors
    /// It does not, does not answer, or has no `/ready`.
    pub async fn ready(&self) -> Result<(), NoVerdict> {
        self.send(Request::get(&self.server.ready), Bytes::new()).await.map(drop)
    }

    /// Has the checker judge ports; `on_progress` hears of each as it is judged, if the checker
    /// reports progress. When the checker is busy and says for how long, waits that long, once; see
    /// [`max_wait`](CheckerBuilder::max_wait).
    ///
    /// # Errors
    /// The checker gave no verdict about even one of the ports.
    pub async fn check(
        &self,
        request: &CheckRequest,
        mut on_progress: impl FnMut(&Progress),
    ) -> Result<CheckResponse, NoVerdict> {
        let may_wait = |wait| wait <= self.max_wait;
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
        let post = Request::post(&self.server.check_ports);
        let post = post.header(CONTENT_TYPE, "application/json");
        let post = post.header(ACCEPT, format!("{NDJSON}, application/json;q=0.9"));
        let answer = self.send(post, body.into()).await?;
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
        let (mut lines, mut gathered) = (Lines::new(MOST_BYTES), Gathered::default());
        while let Some(piece) = self.piece(&mut answer).await? {
            let ended =
                lines.push(&piece).map_err(|error| NoVerdict::malformed(self.url(), error))?;
            for line in ended {
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
    async fn send(&self, request: Builder, body: Bytes) -> Result<Answer, NoVerdict> {
        let request = request.body(body.into()).expect("the parts of the head are good");
        let sent = self.http.send(request, self.timeout).await;
        let answer = sent.map_err(|broken| self.broken(broken))?;
        let status = answer.head.status().as_u16();
        if status == 200 {
            return Ok(answer);
        }
        let headers = answer.head.headers();
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

    async fn body(&self, mut answer: Answer) -> Result<Vec<u8>, NoVerdict> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut answer).await? {
            if body.len() + piece.len() > MOST_BYTES {
                return Err(NoVerdict::malformed(self.url(), "it is too long"));
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

/// Whether the answer arrives line by line, whatever parameters its media type has.
fn is_by_lines(answer: &Answer) -> bool {
    let kind = answer.head.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(NDJSON)
}
