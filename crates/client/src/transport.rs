//! The HTTP client below a checker: which way it connects, and how long it waits.

use std::{error::Error, io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, Response, body::Incoming, header::USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Family, explain::causes, resolver::Resolver};

/// How long a connection may take. Shorter than the patience for an answer, so that a dead path of
/// one family does not take it all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes: 65,535 verbose results fit twice.
pub(crate) const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// How long a connection is kept for the next request: shorter than servers keep theirs, so that none
/// ends just as it is used again.
const IDLE: Duration = Duration::from_secs(2);

/// How long to look for an idle connection where there is no local port for a further one, and how often. A
/// verification listens on the ports it verifies, which may be all that connections begin at, and a connection
/// is idle again shortly after its answer.
const LOCAL_PORT_WAIT: Duration = Duration::from_secs(2);
const LOCAL_PORT_PAUSE: Duration = Duration::from_millis(20);

/// The name of this library in requests.
const NAME: &str = concat!("port-checker/", env!("CARGO_PKG_VERSION"));

/// An HTTP client. Clones share its connections. It uses no proxy and follows no redirect: either
/// would make the checker see somebody else's address.
#[derive(Debug, Clone)]
pub(crate) struct Transport(Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>);

/// An answer whose body must arrive in time and has a bound.
pub(crate) struct Answer {
    pub(crate) head: Response<Limited<Incoming>>,
    until: Instant,
}

/// Why there is no answer, or no more of it.
pub(crate) enum Broken {
    TimedOut,
    TooLong,
    Otherwise(Box<dyn Error + Send + Sync>),
}

impl Transport {
    /// Uses one family only if told so.
    pub(crate) fn new(tls: ClientConfig, family: Option<Family>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(family));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_local_address(family.map(Family::unspecified));
        // The kernel may give a connection the very port that is to be listened on next. With this it
        // lets both have it.
        tcp.set_reuse_address(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        Self(client.build(https))
    }

    /// Sends a request; the answer and its body must arrive within `patience`.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<Answer, Broken> {
        let until = Instant::now() + patience;
        request.headers_mut().insert(USER_AGENT, NAME.parse().expect("a plain name"));
        let local_port_until = Instant::now() + LOCAL_PORT_WAIT;
        loop {
            let answer = timeout_at(until, self.0.request(request.clone())).await;
            match answer.map_err(|_| Broken::TimedOut)? {
                Ok(answer) => {
                    let head = answer.map(|body| Limited::new(body, MAX_ANSWER_BYTES));
                    return Ok(Answer { head, until });
                }
                Err(error)
                    if is_without_local_port(&error) && Instant::now() < local_port_until =>
                {
                    sleep(LOCAL_PORT_PAUSE).await;
                }
                Err(error) => return Err(Broken::Otherwise(error.into())),
            }
        }
    }
}

impl Answer {
    /// The next piece of the body; none at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            let frame = timeout_at(self.until, self.head.body_mut().frame()).await;
            match frame.map_err(|_| Broken::TimedOut)? {
                None => return Ok(None),
                Some(Err(error)) if error.is::<LengthLimitError>() => return Err(Broken::TooLong),
                Some(Err(error)) => return Err(Broken::Otherwise(error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}

/// Whether there was no local port left for a connection (`EADDRNOTAVAIL`).
fn is_without_local_port(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|system| system.kind() == io::ErrorKind::AddrNotAvailable)
}
