//! The verification of certificates, apart from the workers that serve requests: strangers choose its cost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use port_checker_probe::{Fault, TlsFinding, Unverified};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{admission::caller_slots::SlotRequest, observe::metrics::Metrics};

/// Verifies certificates on a thread that serves nothing else, once there is a slot for the caller, and
/// within `time_left`. A verification that takes longer keeps its slot to its end.
///
/// # Errors
/// There was not enough time.
pub(super) async fn verify(
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
            let began = Instant::now();
            let finding = unverified.verify();
            metrics.tls_verified(began.elapsed());
            drop(slot);
            finding
        });
        verified.await.expect("a verification neither panics nor is cancelled")
    };
    let verified = timeout(time_left, verified).await;
    verified.map_err(|_| Fault::DeadlinePassed { unjudged: 1, ports: 1 })
}
