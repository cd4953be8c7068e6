//! From a listener to connections: the accept loop, and how it ends.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use futures_util::FutureExt;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::coop::unconstrained,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug, debug_span, warn};

use crate::{
    Config, TlsIdentity,
    net::answer::Answers,
    net::connection::Connection,
    net::connection_limit::{Entered, Peers},
    net::heartbeat::Pulse,
    net::pool::Pool,
    net::tls_server::Handshakes,
    observe::metrics::Metrics,
    routes::state::AppState,
};

/// How long the accept loop rests after the system refused to accept, so that a shortage of
/// descriptors does not become a shortage of processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and serves one application on them.
pub(crate) struct Acceptor {
    app: Router,
    config: Arc<Config>,
    handshakes: Option<Arc<Handshakes>>,
    /// One permit a connection, taken before it is accepted.
    room: Arc<Semaphore>,
    peers: Arc<Peers>,
    http2: Arc<Pool>,
    metrics: Arc<Metrics>,
    /// Cancelled when connections should end after their next answer.
    draining: CancellationToken,
    /// Cancelled when connections should end at once.
    cut_off: CancellationToken,
    connections: TaskTracker,
}

impl Acceptor {
    /// Serves `app` on at most `connections` connections at once.
    pub(crate) fn new(app: Router, state: &AppState, connections: usize) -> Self {
        let (config, proxies) = (Arc::clone(&state.config), &state.config.trusted_proxies);
        let http2 = connections.min(config.bounds.http2_connections);
        Self {
            app,
            handshakes: None,
            room: Arc::new(Semaphore::new(connections)),
            peers: Peers::new(connections, proxies),
            http2: Arc::new(Pool::new(http2, proxies)),
            config,
            metrics: Arc::clone(&state.metrics),
            draining: state.draining.clone(),
            cut_off: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }

    /// Speaks TLS, if there is an identity for it.
    pub(crate) fn speaking(self, tls: Option<Arc<TlsIdentity>>, config: &Config) -> Self {
        let handshakes = tls.map(|identity| Arc::new(Handshakes::new(identity, config)));
        Self { handshakes, ..self }
    }

    /// Accepts connections; `pulse` beats as long as this loop turns.
    pub(crate) async fn accept_forever(
        &self,
        listener: &TcpListener,
        mut pulse: Pulse<impl FnMut()>,
    ) -> Infallible {
        let mut refused_before = false;
        loop {
            let next = async {
                let room = Arc::clone(&self.room).acquire_owned().await;
                (room.expect("the semaphore is never closed"), listener.accept().await)
            };
            let (room, accepted) = pulse.beside(next).await;
            match accepted {
                Ok((stream, peer)) => {
                    refused_before = false;
                    match self.peers.enter(peer.ip()) {
                        Some(entered) => self.spawn(stream, peer, Some((entered, room))),
                        None => debug!(%peer, "turned away: one client's share is used up"),
                    }
                }
                Err(error) if gone_before_accepted(&error) => {}
                Err(error) => {
                    if !refused_before {
                        warn!(%error, "cannot accept connections; trying on");
                    }
                    refused_before = true;
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Takes what the kernel has accepted already: closing the listener would reset it. Not bound
    /// by the room for connections, but by the length of the kernel's queue.
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
        // Given back in this order: who takes the permit must find the client's share free.
        place: Option<(Entered, OwnedSemaphorePermit)>,
    ) {
        let connection = Connection {
            peer,
            app: self.app.clone(),
            config: Arc::clone(&self.config),
            peers: Arc::clone(&self.peers),
            http2: Arc::clone(&self.http2),
            draining: self.draining.clone(),
            answers: Answers::default(),
        };
        let handshakes = self.handshakes.clone();
        let serve = async move { connection.serve(stream, handshakes.as_deref()).await };
        let cut_off = self.cut_off.clone();
        let counted = self.metrics.connection();
        let task = async move {
            let _until_the_end = (place, counted);
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
            warn!(connections = left, "cutting off what did not end within {grace:?}");
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
