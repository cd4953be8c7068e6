//! What every request shares.

use std::sync::Arc;

use port_checker_probe::{Budget, Prober};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, checks::verification::Tls, limits::Limiter, net::pool::Pool,
    observe::log_budget::LogBudget, observe::metrics::Metrics,
};

/// What every request shares; clones are cheap.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) config: Arc<Config>,
    pub(crate) prober: Prober,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log_budget: Arc<LogBudget>,
    pub(crate) tls: Arc<Tls>,
    /// Bytes of memory for what requests make this process keep: bodies until they are parsed, and
    /// what becomes the answer until it is sent.
    pub(crate) memory: Arc<Pool>,
    /// Cancelled when the service begins to shut down.
    pub(crate) draining: CancellationToken,
}

impl AppState {
    pub(crate) fn new(config: Config) -> Self {
        let metrics = Metrics::new(&config);
        Self {
            prober: Prober::new(config.probe, Budget::new(config.max_in_flight)),
            limiter: Arc::new(Limiter::new(&config, Arc::clone(&metrics))),
            metrics,
            log_budget: Arc::new(LogBudget::new()),
            tls: Arc::default(),
            memory: Arc::new(Pool::new(config.bounds.memory_bytes, &config.trusted_proxies)),
            config: Arc::new(config),
            draining: CancellationToken::new(),
        }
    }
}
