//! What checks of TLS need and others do not.

use std::{
    net::IpAddr,
    sync::Arc,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use port_checker_probe::{Fault, NoTrustRoots, TlsFinding, TlsProber, Unverified};
use tokio::{sync::OnceCell, task::spawn_blocking, time::timeout};

use crate::{
    admission::caller_slots::{CallerSlots, SlotRequest},
    admission::resolver::Resolver,
    error::ApiError,
    observe::metrics::Metrics,
};

/// The part of the processors that may be busy with certificates, at least one: the rest serves other
/// requests.
const VERIFYING_PART: usize = 2;

/// Made at first use, and kept.
pub(crate) struct Tls {
    pub(crate) resolver: Resolver,
    prober: OnceCell<TlsProber>,
    verifications: Arc<CallerSlots>,
}

impl Default for Tls {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            resolver: Resolver::default(),
            prober: OnceCell::new(),
            verifications: CallerSlots::new((processors / VERIFYING_PART).max(1)),
        }
    }
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

    /// Counts a check of `caller`, whose certificates will have to be verified; none if there are too many.
    pub(crate) fn request(&self, caller: IpAddr) -> Option<Arc<SlotRequest>> {
        self.verifications.request(caller)
    }
}

/// Verifies certificates on a thread that serves nothing else, once there is a slot for the caller, and
/// within `time_left`. A verification that takes longer keeps its slot to its end.
///
/// # Errors
/// There was not enough time.
pub(crate) async fn verify(
    request: &Arc<SlotRequest>,
    unverified: Unverified,
    time_left: Duration,
    metrics: &Arc<Metrics>,
) -> Result<TlsFinding, Fault> {
    let verified = async {
        let waiting = metrics.tls_verification_waits();
        let slot = request.slot().await;
        drop(waiting);
        let metrics = Arc::clone(metrics);
        let verified = spawn_blocking(move || {
            let begun = Instant::now();
            let finding = unverified.verify();
            metrics.tls_verified(begun.elapsed());
            drop(slot);
            finding
        });
        verified.await.expect("a verification neither panics nor is cancelled")
    };
    let verified = timeout(time_left, verified).await;
    verified.map_err(|_| Fault::DeadlinePassed { unjudged: 1, ports: 1 })
}
