//! The service as a whole: its listeners, its beginning and its end.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{Config, TlsIdentity, accept::Acceptor, app, state::AppState};

/// Connections for whoever collects metrics, where they have a listener of their own.
const METRICS_CONNECTIONS: usize = 16;

/// What the service listens on.
pub struct Listeners {
    /// For callers.
    pub api: TcpListener,
    /// What to speak TLS with to callers; none: plain HTTP.
    pub tls: Option<Arc<TlsIdentity>>,
    /// For `/metrics`, where [`Config::metrics_address`] is set; always plain HTTP.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(api: TcpListener) -> Self {
        Self { api, tls: None, metrics: None }
    }
}

/// Serves `config` on `listeners` until `shutdown` completes, then drains: no connection is
/// accepted, requests under way are answered, and whatever lasts longer than a check may take is
/// cut off with a warning.
pub async fn run(
    listeners: impl Into<Listeners>,
    config: Config,
    shutdown: impl Future<Output = ()>,
) {
    let Listeners { api, tls, metrics } = listeners.into();
    let state = AppState::new(config);
    let background = TaskTracker::new();
    state.limiter.start(&background, state.draining.clone()).await;
    let bounds = &state.config.bounds;
    let callers = Acceptor::new(app::app(state.clone()), &state, bounds.connections)
        .speaking(tls, &state.config);
    state.metrics.connections_limit(bounds.connections);
    let collectors = Acceptor::new(app::metrics_app(state.clone()), &state, METRICS_CONNECTIONS);
    let accept_for_collectors = async {
        match &metrics {
            Some(listener) => collectors.accept_forever(listener).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = shutdown => {}
        never = callers.accept_forever(&api) => match never {},
        never = accept_for_collectors => match never {},
    }
    state.draining.cancel();
    tracing::info!(connections = callers.open(), "shutting down");
    callers.accept_queued(&api);
    drop((api, metrics));
    let grace = state.config.deadline + bounds.drain_margin;
    tokio::join!(callers.drain(grace), collectors.drain(grace));
    background.close();
    background.wait().await;
    tracing::info!("stopped");
}
