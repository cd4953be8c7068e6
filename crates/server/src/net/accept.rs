//! From a listener to connections: the accept loop, and how it ends.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use futures_util::FutureExt;
use prometheus::IntGauge;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::coop::unconstrained,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug, debug_span, warn};

use super::{
    answer::Answers,
    connection::{Connection, request_service::RequestService},
    connection_limit::{ClientPermit, ConnectionLimit},
    heartbeat::Heartbeat,
    pool::Pool,
    tls_server::TlsServer,
};
use crate::{
    config::{Config, TlsIdentity},
    counted::Counted,
};

/// How long the accept loop rests after the system refused to accept, so that a shortage of
/// descriptors does not become a shortage of processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and serves one application on them.
pub(crate) struct Acceptor {
    app: Router,
    config: Arc<Config>,
    tls: Option<Arc<TlsServer>>,
    /// One permit a connection, taken before it is accepted.
    permits: Arc<Semaphore>,
    clients: Arc<ConnectionLimit>,
    http2: Arc<Pool>,
    /// Counts the connections.
    gauge: IntGauge,
    /// Cancelled when connections should end after their next answer.
    draining: CancellationToken,
    /// Cancelled when connections should end at once.
    cut_off: CancellationToken,
    connections: TaskTracker,
}

impl Acceptor {
    /// Serves `app` on at most `connections` connections at once, which `gauge` counts, until `draining` is
    /// cancelled.
    pub(crate) fn new(
        app: Router,
        config: &Arc<Config>,
        connections: usize,
        gauge: IntGauge,
        draining: CancellationToken,
    ) -> Self {
        let (config, proxies) = (Arc::clone(config), &config.trusted_proxies);
        let http2 = connections.min(config.bounds.http2_connections);
        Self {
            app,
            tls: None,
            permits: Arc::new(Semaphore::new(connections)),
            clients: ConnectionLimit::new(connections, proxies),
            http2: Arc::new(Pool::new(http2, proxies)),
            config,
            gauge,
            draining,
            cut_off: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }

    /// Speaks TLS, if there is an identity for it.
    pub(crate) fn with_tls(self, identity: Option<Arc<TlsIdentity>>) -> Self {
        let tls = identity.map(|identity| Arc::new(TlsServer::new(identity, &self.config)));
        Self { tls, ..self }
    }

    /// Accepts connections; `heartbeat` beats as long as this loop turns.
    pub(crate) async fn accept_forever(
        &self,
        listener: &TcpListener,
        mut heartbeat: Heartbeat<impl FnMut()>,
    ) -> Infallible {
        let mut refused_before = false;
        loop {
            let next = async {
                let permit = Arc::clone(&self.permits).acquire_owned().await;
                (permit.expect("the semaphore is never closed"), listener.accept().await)
            };
            let (permit, accepted) = heartbeat.while_waiting_for(next).await;
            match accepted {
                Ok((stream, peer)) => {
                    refused_before = false;
                    match self.clients.acquire(peer.ip()) {
                        Some(of_client) => self.spawn(stream, peer, Some((of_client, permit))),
                        None => {
                            debug!(%peer, "refused a connection: its client has as many as it may")
                        }
                    }
                }
                Err(error) if gone_before_accepted(&error) => {}
                Err(error) => {
                    if !refused_before {
                        warn!(%error, "cannot accept connections; trying again");
                    }
                    refused_before = true;
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Takes the connections that the kernel has accepted already: closing the listener would reset them.
    /// Their number is bounded by the length of the kernel's queue instead of the limit on connections.
    pub(crate) fn accept_queued(&self, listener: &TcpListener) {
        // Outside of the runtime's budget, which would make a long queue look empty.
        while let Some(Ok((stream, peer))) = unconstrained(listener.accept()).now_or_never() {
            self.spawn(stream, peer, None);
        }
    }

    fn spawn(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        // Returned in this order: when the second is free, so is the client's.
        permits: Option<(ClientPermit, OwnedSemaphorePermit)>,
    ) {
        let service = RequestService {
            peer,
            app: self.app.clone(),
            config: Arc::clone(&self.config),
            draining: self.draining.clone(),
            answers: Answers::default(),
        };
        let (clients, http2) = (Arc::clone(&self.clients), Arc::clone(&self.http2));
        let connection = Connection { service, clients, http2 };
        let tls = self.tls.clone();
        let serve = async move { connection.serve(stream, tls.as_deref()).await };
        let cut_off = self.cut_off.clone();
        let counted = Counted::in_gauge(&self.gauge);
        let task = async move {
            let _until_the_end = (permits, counted);
            tokio::select! {
                () = serve => {}
                () = cut_off.cancelled() => {}
            }
        };
        self.connections.spawn(task.instrument(debug_span!("connection", %peer)));
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> usize {
        self.connections.len()
    }

    pub(crate) async fn drain(&self, grace: Duration) {
        self.connections.close();
        if timeout(grace, self.connections.wait()).await.is_err() {
            let left = self.connections.len();
            warn!(connections = left, "cutting off connections that did not end within {grace:?}");
            self.cut_off.cancel();
            self.connections.wait().await;
        }
    }
}

/// Errors of `accept` that are about one connection and not about this process (accept(2)).
fn gone_before_accepted(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
