//! From a listener to connections: the accept loop, and how it ends.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use futures_util::FutureExt;
use port_checker_probe::{Budget, Prober};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug_span, info, warn};

use crate::{Bounds, Config, app::app, connection, state::AppState};

/// How long the accept loop rests after the system refused to accept, so that a shortage of
/// descriptors does not become a shortage of processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `config` on `listener` until `shutdown` completes, then drains: no connection is
/// accepted, requests under way are answered, and whatever lasts longer than a check may take is
/// cut off with a warning.
pub async fn run(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()>) {
    let state = AppState {
        prober: Prober::new(config.probe, Budget::new(config.max_in_flight)),
        config: Arc::new(config),
        draining: CancellationToken::new(),
    };
    let acceptor = Acceptor {
        app: app(state.clone()),
        bounds: Arc::new(state.config.bounds.clone()),
        room: Arc::new(Semaphore::new(state.config.bounds.connections)),
        draining: state.draining.clone(),
        cut_off: CancellationToken::new(),
        connections: TaskTracker::new(),
    };
    tokio::select! {
        () = shutdown => {}
        never = acceptor.accept_forever(&listener) => match never {},
    }
    state.draining.cancel();
    acceptor.accept_queued(&listener);
    drop(listener);
    acceptor.drain(state.config.deadline + state.config.bounds.drain_margin).await;
}

struct Acceptor {
    app: Router,
    bounds: Arc<Bounds>,
    /// One permit a connection, taken before it is accepted.
    room: Arc<Semaphore>,
    /// Cancelled when connections should end after their next answer.
    draining: CancellationToken,
    /// Cancelled when connections should end at once.
    cut_off: CancellationToken,
    connections: TaskTracker,
}

impl Acceptor {
    async fn accept_forever(&self, listener: &TcpListener) -> std::convert::Infallible {
        let mut refused_before = false;
        loop {
            let room = Arc::clone(&self.room).acquire_owned().await;
            let room = room.expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((stream, peer)) => {
                    refused_before = false;
                    self.spawn(stream, peer, Some(room));
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
    fn accept_queued(&self, listener: &TcpListener) {
        while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
            self.spawn(stream, peer, None);
        }
    }

    fn spawn(&self, stream: TcpStream, peer: SocketAddr, room: Option<OwnedSemaphorePermit>) {
        let serve = connection::serve(
            stream,
            peer,
            self.app.clone(),
            Arc::clone(&self.bounds),
            self.draining.clone(),
        );
        let cut_off = self.cut_off.clone();
        let task = async move {
            let _room = room;
            tokio::select! {
                () = serve => {}
                () = cut_off.cancelled() => {}
            }
        };
        self.connections.spawn(task.instrument(debug_span!("connection", %peer)));
    }

    async fn drain(&self, grace: Duration) {
        self.connections.close();
        info!(connections = self.connections.len(), "shutting down");
        if timeout(grace, self.connections.wait()).await.is_err() {
            let left = self.connections.len();
            warn!(connections = left, "cutting off what did not end within {grace:?}");
            self.cut_off.cancel();
            self.connections.wait().await;
        }
        info!("stopped");
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
