//! The service as a whole: its listeners, its beginning and its end.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{
    Config, Supervisor, TlsIdentity, app, net::accept::Acceptor, net::heartbeat::Pulse,
    routes::state::AppState, supervisor::heart,
};

/// Connections for whoever collects metrics, where they have a listener of their own.
const METRICS_CONNECTIONS: usize = 16;

/// How often connections are counted while shutting down.
const RECOUNT: Duration = Duration::from_secs(1);

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
    run_supervised(listeners, config, &Arc::new(()), shutdown).await;
}

/// The same; `supervisor` hears how the service does.
pub async fn run_supervised(
    listeners: impl Into<Listeners>,
    config: Config,
    supervisor: &Arc<impl Supervisor>,
    shutdown: impl Future<Output = ()>,
) {
    let Listeners { api, tls, metrics } = listeners.into();
    let state = AppState::new(config);
    let background = TaskTracker::new();
    state.limiter.start(&background, state.draining.clone()).await;
    let reports = Arc::clone(&state.log_budget).report_forever();
    background.spawn(state.draining.clone().run_until_cancelled_owned(reports));
    let bounds = &state.config.bounds;
    let callers = Acceptor::new(app::app(state.clone()), &state, bounds.connections)
        .speaking(tls, &state.config);
    state.metrics.connections_limit(bounds.connections);
    let collectors = Acceptor::new(app::metrics_app(state.clone()), &state, METRICS_CONNECTIONS);
    let accept_for_collectors = async {
        match &metrics {
            Some(listener) => collectors.accept_forever(listener, Pulse::new(None, || {})).await,
            None => std::future::pending().await,
        }
    };
    supervisor.serving();
    tokio::select! {
        () = shutdown => {}
        never = callers.accept_forever(&api, heart(supervisor)) => match never {},
        never = accept_for_collectors => match never {},
    }
    state.draining.cancel();
    tracing::info!(connections = callers.open(), "shutting down");
    let grace = state.config.deadline + bounds.drain_margin;
    supervisor.stopping(grace);
    callers.accept_queued(&api);
    drop((api, metrics));
    let drained = async {
        tokio::join!(callers.drain(grace), collectors.drain(grace));
        background.close();
        background.wait().await;
    };
    let mut counting = Pulse::new(Some(RECOUNT), || supervisor.draining(callers.open()));
    heart(supervisor).beside(counting.beside(drained)).await;
    state.log_budget.report();
    tracing::info!("stopped");
}
