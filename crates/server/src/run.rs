//! The service as a whole: its listeners, its beginning and its end.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, time::interval};
use tokio_util::task::TaskTracker;

use crate::{
    app,
    config::{Config, TlsIdentity},
    net::{accept::Acceptor, heartbeat::Heartbeat},
    routes::state::AppState,
    supervisor::{Supervisor, heartbeat_for},
};

/// Connections of metrics collectors, where they have a separate listener.
const METRICS_CONNECTIONS: usize = 16;

/// How often the supervisor is told the number of connections while shutting down.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The sockets that the service listens on.
pub struct Listeners {
    /// For callers.
    pub api: TcpListener,
    /// The certificate for callers; none: plain HTTP.
    pub tls: Option<Arc<TlsIdentity>>,
    /// For `/metrics`, where [`Config::metrics_address`] is set; always plain HTTP.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(api: TcpListener) -> Self {
        Self { api, tls: None, metrics: None }
    }
}

/// Serves `config` on `listeners` until `shutdown` completes, then drains: no connection is accepted, requests
/// under way are answered, and connections that last longer than a check may take are cut off with a warning.
pub async fn run(
    listeners: impl Into<Listeners>,
    config: Config,
    shutdown: impl Future<Output = ()>,
) {
    run_supervised(listeners, config, &Arc::new(()), shutdown).await;
}

/// The same; `supervisor` is told about the state of the service.
pub async fn run_supervised(
    listeners: impl Into<Listeners>,
    config: Config,
    supervisor: &Arc<impl Supervisor>,
    shutdown: impl Future<Output = ()>,
) {
    let Listeners { api, tls, metrics } = listeners.into();
    let state = AppState::new(config);
    let background = TaskTracker::new();
    start_background(&state, &background).await;
    let bounds = &state.config.bounds;
    let callers = acceptor(app::app(state.clone()), &state, bounds.connections).with_tls(tls);
    state.metrics.connections_limit(bounds.connections);
    let collectors = acceptor(app::metrics_app(state.clone()), &state, METRICS_CONNECTIONS);
    let accept_collectors = async {
        match &metrics {
            Some(listener) => collectors.accept_forever(listener, Heartbeat::none()).await,
            None => std::future::pending().await,
        }
    };
    supervisor.serving();
    tokio::select! {
        () = shutdown => {}
        never = callers.accept_forever(&api, heartbeat_for(supervisor)) => match never {},
        never = accept_collectors => match never {},
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
    let report_connections = async {
        let mut ticks = interval(REPORT_INTERVAL);
        loop {
            ticks.tick().await;
            supervisor.draining(callers.open());
        }
    };
    let drained = async {
        tokio::select! {
            () = drained => {}
            never = report_connections => never,
        }
    };
    heartbeat_for(supervisor).while_waiting_for(drained).await;
    state.access_log.budget.report();
    tracing::info!("stopped");
}

/// Starts the tasks that are beside every connection; they end when the service begins to drain.
async fn start_background(state: &AppState, tasks: &TaskTracker) {
    state.limiter.start(tasks, state.draining.clone()).await;
    let reports = Arc::clone(&state.access_log.budget).report_forever();
    tasks.spawn(state.draining.clone().run_until_cancelled_owned(reports));
}

fn acceptor(app: Router, state: &AppState, connections: usize) -> Acceptor {
    let gauge = state.metrics.connections_gauge();
    Acceptor::new(app, &state.config, connections, gauge, state.draining.clone())
}
