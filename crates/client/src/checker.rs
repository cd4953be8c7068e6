//! One checker, over HTTP.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    Request,
    header::{ACCEPT, CONTENT_TYPE},
};
use hyper_util::client::legacy::connect::HttpInfo;
use port_checker_api::{CheckRequest, CheckResponse, NDJSON, OwnAddress, Progress};
use port_checker_attestation::KeySet;
use rustls::ClientConfig;
use tokio::time::sleep;

use crate::{
    answer,
    family::Family,
    no_verdict::NoVerdict,
    server_url::{InvalidUrl, ServerUrl},
    transport::Transport,
    trust::{Roots, Trust},
};

mod exchange;
mod udp_support;

use exchange::Exchange;

/// How long a checker may take to answer, unless told otherwise: a little more than the longest a
/// checker with its default settings takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest `Retry-After` that is waited for instead of giving up, unless told otherwise.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// One checker. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Checker {
    exchange: Exchange,
    tls: ClientConfig,
    max_wait: Duration,
    /// Whether it has shown that it knows UDP; clones share it.
    knows_udp: Arc<AtomicBool>,
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
    /// `url` is not an `http` or `https` address, or has a user or password in it.
    pub fn builder(url: &str) -> Result<CheckerBuilder, InvalidUrl> {
        CheckerBuilder::new(url)
    }

    /// The same checker, talked to over one address family only, so that it sees this machine's
    /// address of that family.
    pub(crate) fn over(&self, family: Family) -> Self {
        let http = Transport::new(self.tls.clone(), Some(family));
        Self {
            exchange: Exchange { http, peer: Arc::default(), ..self.exchange.clone() },
            ..self.clone()
        }
    }

    /// The checker's address, as it was given; with `http://` before it if it had no scheme, and without
    /// a route of the checker at its end.
    pub fn url(&self) -> &str {
        self.exchange.url()
    }

    /// The address at which it answered; none if it has not.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.exchange.peer.get().copied()
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.exchange.timeout
    }

    /// How long it takes to judge a port that does not answer, if it has said so: with its address it does.
    pub(crate) fn silent_port(&self) -> Option<Duration> {
        self.exchange.silent_port.get().copied()
    }

    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait
    }

    /// The one family over which it can be asked, if it is an address and not a name.
    pub(crate) fn only_family(&self) -> Option<Family> {
        self.exchange.server.only_family()
    }

    /// Whether both are at the same address.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.exchange.server.is_same(&other.exchange.server)
    }

    /// The address from which the checker sees this machine.
    ///
    /// # Errors
    /// The checker does not answer, or has no `/ip`.
    pub async fn ip(&self) -> Result<IpAddr, NoVerdict> {
        let request = Request::get(&self.exchange.server.ip).header(ACCEPT, "application/json");
        let answer = self.exchange.send(request, Bytes::new()).await?;
        let here = answer.head.extensions().get::<HttpInfo>().map(HttpInfo::remote_addr);
        let own: OwnAddress = answer::json(self.url(), &self.exchange.body(answer).await?)?;
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
        self.exchange.send(Request::get(&self.exchange.server.ready), Bytes::new()).await.map(drop)
    }

    /// The keys that the checker signs statements with.
    ///
    /// # Errors
    /// The checker does not answer, publishes no keys (404), or something else than keys.
    pub async fn keys(&self) -> Result<KeySet, NoVerdict> {
        self.exchange.keys().await
    }

    /// Has the checker judge ports; `on_progress` hears of each as it is judged, if the checker
    /// reports progress. A signed statement that the request asks for is verified with the checker's
    /// [`keys`](Self::keys): its signature, time, audience, nonce, transport and challenge, the address if the request
    /// names it, and that it calls no port open which the answer does not. When the checker is busy and says for how long, waits that long, once; see
    /// [`max_wait`](CheckerBuilder::max_wait).
    ///
    /// # Errors
    /// The checker gave no verdict about even one of the ports, or signed a wrong statement.
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
        let post = Request::post(&self.exchange.server.check_ports);
        let post = post.header(CONTENT_TYPE, "application/json");
        let post = post.header(ACCEPT, format!("{NDJSON}, application/json;q=0.9"));
        let answer = self.exchange.send(post, body.into()).await?;
        let answer = self.exchange.verdicts(answer, request, on_progress).await?;
        self.exchange.verify_statement(request, &answer).await?;
        Ok(answer)
    }
}

/// A checker, and how it is asked; the order of the calls makes no difference.
#[derive(Debug, Clone)]
pub struct CheckerBuilder {
    server: ServerUrl,
    family: Option<Family>,
    roots: Roots,
    verified: bool,
    timeout: Duration,
    max_wait: Duration,
}

impl CheckerBuilder {
    fn new(url: &str) -> Result<Self, InvalidUrl> {
        Ok(Self {
            server: ServerUrl::parse(url)?,
            family: None,
            roots: Roots::default(),
            verified: true,
            timeout: TIMEOUT,
            max_wait: MAX_WAIT,
        })
    }

    /// Whether its address names this machine or a local network. A name other than `localhost` is taken for one
    /// of the Internet.
    pub fn is_local(&self) -> bool {
        self.server.is_local()
    }

    /// Talks to the checker over one address family only, so that it sees this machine's address of that
    /// family; by default over whichever works.
    #[must_use]
    pub fn over(self, family: Family) -> Self {
        Self { family: Some(family), ..self }
    }

    /// The checker's certificate may also come from one of these authorities, or be one of these.
    #[must_use]
    pub fn trusting(self, roots: &Roots) -> Self {
        Self { roots: roots.clone(), ..self }
    }

    /// The checker's certificate is not looked at: for one on this machine, which is asked by another
    /// name than its certificate has.
    #[must_use]
    pub fn unverified(self) -> Self {
        Self { verified: false, ..self }
    }

    /// How long each answer may take; 30 seconds by default.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The longest `Retry-After` that is waited for; 10 seconds by default. In a verification all waits
    /// together are no longer than that and half a second for each verdict of the checker; one that is
    /// busy again after a wait is not waited for until it has given a verdict.
    #[must_use]
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// The checker. For one over HTTPS this reads the authorities that the system trusts.
    pub fn build(self) -> Checker {
        let trust = match (self.server.is_https(), self.verified) {
            (false, _) => Trust::NotNeeded,
            (true, false) => Trust::Anybody,
            (true, true) => Trust::Authorities(self.roots),
        };
        let tls = trust.config();
        let http = Transport::new(tls.clone(), self.family);
        let exchange = Exchange {
            server: self.server,
            http,
            timeout: self.timeout,
            peer: Arc::default(),
            silent_port: Arc::default(),
        };
        let knows_udp = Arc::default();
        Checker { exchange, tls, max_wait: self.max_wait, knows_udp }
    }
}
