//! The one place where it is decided whether a check may begin, in one order for every kind: the policy, then
//! time and a socket, then the price. A check that is refused for one of the former costs nothing.

use std::{net::IpAddr, sync::Arc, thread::available_parallelism, time::Duration};

use port_checker_api::{ErrorCode, Port};
use port_checker_limits::{Asker, Limiter, Mode};
use port_checker_probe::{Admission, Budget, Fault, Overloaded, Refusal, Target};
use tokio_util::sync::CancellationToken;

use super::{
    admitted::{Admitted, Sealed},
    caller_slots::CallerSlots,
    check_kind::{CheckKind, Requirements},
    context::RequestContext,
    own_targets,
    resolver::Resolver,
    third_party,
};
use crate::{
    config::Config,
    error::ApiError,
    observe::{check_summary::TargetName, metrics::Metrics},
    rate_limit::RateLimitHeaders,
};

/// The part of the processors that may be busy with certificates, at least one: the rest serves other
/// requests.
const VERIFYING_PART: usize = 2;

/// Decides whether checks may begin; clones are cheap.
#[derive(Clone)]
pub(crate) struct AdmissionControl {
    pub(super) config: Arc<Config>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) resolver: Arc<Resolver>,
    /// For the verification of certificates.
    pub(super) verifications: Arc<CallerSlots>,
    pub(super) draining: CancellationToken,
    budget: Budget,
    metrics: Arc<Metrics>,
}

impl AdmissionControl {
    pub(crate) fn new(
        config: Arc<Config>,
        budget: Budget,
        limiter: Arc<Limiter>,
        metrics: Arc<Metrics>,
        draining: CancellationToken,
    ) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let verifications = CallerSlots::new((processors / VERIFYING_PART).max(1));
        let resolver = Arc::default();
        Self { config, limiter, resolver, verifications, draining, budget, metrics }
    }

    /// How long a TLS handshake may take, the connection included.
    pub(crate) fn handshake_time(&self) -> Duration {
        self.config.probe.timeout
    }

    /// Admits a check of ports of an address.
    ///
    /// # Errors
    /// The policy refuses the address or a port, or the check is not [admitted](Self::admit).
    pub(crate) async fn admit_address(
        &self,
        context: &RequestContext,
        address: IpAddr,
        ports: Vec<Port>,
        kind: impl Into<CheckKind>,
    ) -> Result<Admitted, ApiError> {
        let kind = kind.into();
        let target = self.vet(context, address, ports, kind)?;
        self.admit(context, target, kind).await
    }

    /// Vets one address.
    ///
    /// # Errors
    /// The policy refuses the address or a port.
    pub(super) fn vet(
        &self,
        context: &RequestContext,
        address: IpAddr,
        ports: Vec<Port>,
        kind: CheckKind,
    ) -> Result<Target, Refusal> {
        let name = TargetName::Address(address.to_canonical());
        context.summary.begin(name.clone(), kind.name(), ports.len());
        let target = self.config.policy.vet(context.caller, address, ports)?;
        // Without repeats.
        context.summary.begin(name, kind.name(), target.ports().len());
        Ok(target)
    }

    /// Admits a check of a vetted target.
    ///
    /// # Errors
    /// The target is not admitted to this kind of check, or there is no time, no socket, or no allowance left.
    /// Nothing was charged.
    pub(crate) async fn admit(
        &self,
        context: &RequestContext,
        target: Target,
        kind: CheckKind,
    ) -> Result<Admitted, ApiError> {
        let requirements = kind.requirements(&self.config);
        let parties = (context.caller, target.address());
        let ports = target.ports().len();
        own_targets::require_own_address(kind, parties.0, parties.1)?;
        self.require_time(context, requirements)?;
        let slot = self.slot(context, parties, ports, requirements).await?;
        self.require_time(context, requirements)?;
        let (quota, receipt) = self.limiter.charge(parties, ports, Mode::Charge).await?;
        let is_third_party = Asker::of(parties.0, parties.1) == Asker::ThirdParty;
        let max_attempts =
            third_party::max_attempts(&self.config.limits).filter(|_| is_third_party);
        Ok(Admitted {
            kind,
            target,
            slot,
            receipt,
            quota: RateLimitHeaders::new(&quota),
            deadline: context.deadline,
            summary: context.summary.clone(),
            max_attempts,
            _sealed: Sealed,
        })
    }

    /// # Errors
    /// `CHECK_FAILED`: less time is left than the check needs.
    pub(super) fn require_time(
        &self,
        context: &RequestContext,
        requirements: Requirements,
    ) -> Result<(), ApiError> {
        if context.deadline.time_left() >= requirements.min_time {
            return Ok(());
        }
        let fault = Fault::DeadlinePassed { unjudged: 1, ports: 1 };
        self.metrics.failed(&fault);
        Err(fault.into())
    }

    /// Waits for a socket as long as the check could still end in time after that. Callers that are over a
    /// limit do not wait.
    async fn slot(
        &self,
        context: &RequestContext,
        parties: (IpAddr, IpAddr),
        ports: usize,
        requirements: Requirements,
    ) -> Result<Admission, ApiError> {
        let caller = context.caller;
        let refused = |overloaded| refusal(overloaded, &self.config);
        let (socket_time, time_left) =
            (self.config.probe.socket_time(), context.deadline.time_left());
        self.budget.fits(caller, ports, socket_time, time_left).map_err(refused)?;
        if let Some(slot) = self.budget.admit_now(caller, ports) {
            return Ok(slot);
        }
        self.limiter.charge(parties, ports, Mode::DryRun).await?;
        let max_wait = context.deadline.time_left().saturating_sub(requirements.silent_time);
        self.budget.admit(caller, max_wait).await.map_err(refused)
    }
}

/// Says when there will be a socket again: each is free after one time-out at the latest, and goes to the
/// check that has waited longest; and no check waits or lasts longer than the deadline.
fn refusal(overloaded: Overloaded, config: &Config) -> ApiError {
    let Overloaded { limit, waiting, .. } = overloaded;
    let turns = u32::try_from(waiting / limit + 1).unwrap_or(u32::MAX);
    let wait = config.probe.timeout.saturating_mul(turns).min(config.deadline);
    ApiError::new(ErrorCode::Overloaded, overloaded.to_string()).with_retry_after(wait)
}
