//! What checks of TLS need and others do not.

use port_checker_probe::{NoTrustRoots, TlsProber};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{error::ApiError, names::Names};

/// Made at first use, and kept.
#[derive(Default)]
pub(crate) struct Tls {
    pub(crate) names: Names,
    prober: OnceCell<TlsProber>,
}

impl Tls {
    /// Shakes hands, with the trust roots that the system had when this was first called.
    ///
    /// # Errors
    /// The system has none: without them every certificate would look bad.
    pub(crate) async fn prober(&self) -> Result<&TlsProber, ApiError> {
        let made = self.prober.get_or_try_init(async || {
            let read = spawn_blocking(TlsProber::with_system_roots).await;
            read.unwrap_or_else(|error| Err(NoTrustRoots::Unusable(error.to_string())))
        });
        made.await.map_err(|error| ApiError::check_failed(error.to_string()))
    }
}
