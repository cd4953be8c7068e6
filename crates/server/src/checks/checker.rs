//! The means of every kind of check.

use std::sync::Arc;

use port_checker_probe::{NoTrustRoots, Prober, TlsProber};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{error::ApiError, observe::metrics::Metrics};

/// The means of every kind of check; clones are cheap.
#[derive(Clone)]
pub(crate) struct Checker {
    pub(crate) prober: Prober,
    pub(super) metrics: Arc<Metrics>,
    /// Made at first use: few checkers ever need it.
    tls_prober: Arc<OnceCell<TlsProber>>,
}

impl Checker {
    pub(crate) fn new(prober: Prober, metrics: Arc<Metrics>) -> Self {
        Self { prober, metrics, tls_prober: Arc::default() }
    }

    /// The prober for TLS, with the trust roots that the system had when this was first called.
    ///
    /// # Errors
    /// The system has no trust roots: without them every certificate would look bad.
    pub(super) async fn tls_prober(&self) -> Result<&TlsProber, ApiError> {
        let made = self.tls_prober.get_or_try_init(async || {
            let read = spawn_blocking(TlsProber::with_system_roots).await;
            read.unwrap_or_else(|error| Err(NoTrustRoots::Unusable(error.to_string())))
        });
        made.await.map_err(|error| ApiError::check_failed(error.to_string()))
    }
}
