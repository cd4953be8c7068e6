//! What every request shares.

use std::sync::Arc;

use port_checker_probe::Prober;
use tokio_util::sync::CancellationToken;

use crate::Config;

/// What every request shares; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct AppState {
    pub(crate) config: Arc<Config>,
    pub(crate) prober: Prober,
    /// Cancelled when the service begins to shut down.
    pub(crate) draining: CancellationToken,
}
