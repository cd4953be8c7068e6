//! The state that every route can use.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use port_checker_limits::Limiter;
use port_checker_probe::{Budget, Prober};
use tokio_util::sync::CancellationToken;

use crate::{
    admission::control::AdmissionControl,
    checks::{attester::Attester, checker::Checker},
    config::Config,
    net::pool::Pool,
    observe::{access_log::AccessLog, log_budget::LogBudget, metrics::Metrics},
};

/// The state that every route can use. Layers and extractors clone it several times for each request, so a clone is
/// one count.
#[derive(Clone)]
pub(crate) struct AppState(Arc<StateParts>);

/// The parts of the state.
pub(crate) struct StateParts {
    pub(crate) config: Arc<Config>,
    pub(crate) admission: AdmissionControl,
    pub(crate) checker: Checker,
    pub(crate) attester: Arc<Attester>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) access_log: AccessLog,
    /// Bytes of memory that requests make this process keep: bodies until they are parsed, and the parts of
    /// the answer until it is sent.
    pub(crate) memory: Arc<Pool>,
    /// Cancelled when the service begins to shut down.
    pub(crate) draining: CancellationToken,
}

impl AppState {
    pub(crate) fn new(config: Config) -> Self {
        let config = Arc::new(config);
        let (metrics, draining) = (Metrics::new(&config), CancellationToken::new());
        let prober = Prober::new(config.probe, Budget::new(config.max_in_flight));
        let limiter = Arc::new(Limiter::new(
            &config.limits,
            config.redis.as_ref(),
            Arc::clone(&metrics) as _,
        ));
        Self(Arc::new(StateParts {
            admission: AdmissionControl::new(
                Arc::clone(&config),
                prober.budget().clone(),
                Arc::clone(&limiter),
                Arc::clone(&metrics),
                draining.clone(),
            ),
            checker: Checker::new(prober, Arc::clone(&metrics)),
            attester: Arc::new(Attester::new(&config, Arc::clone(&metrics))),
            limiter,
            access_log: AccessLog {
                trusted_proxies: config.trusted_proxies.as_slice().into(),
                metrics: Arc::clone(&metrics),
                budget: Arc::new(LogBudget::new()),
            },
            metrics,
            memory: Arc::new(Pool::new(config.bounds.memory_bytes, &config.trusted_proxies)),
            config,
            draining,
        }))
    }
}

impl Deref for AppState {
    type Target = StateParts;

    fn deref(&self) -> &StateParts {
        &self.0
    }
}

impl FromRef<AppState> for Arc<Config> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.config)
    }
}
