//! From the name of a TLS server to the addresses that may be dialled.

use std::{net::IpAddr, sync::Arc, time::Duration};

use port_checker_api::{ErrorCode, Port};
use port_checker_limits::Mode;
use port_checker_probe::{Refusal, ServerName, Target};
use tokio::time::{sleep, timeout};

use super::{
    caller_slots::{Slot, SlotRequest},
    check_kind::{CheckKind, Requirements},
    context::RequestContext,
    control::AdmissionControl,
    resolver::LOOKUP_TIME,
};
use crate::{
    error::{ApiError, quoted},
    observe::check_summary::TargetName,
};

/// How long after the signal to stop a name may still be looked up: a name server that answers does so
/// well within, and one that does not must not delay the end.
const LAST_LOOKUP_TIME: Duration = Duration::from_secs(1);

/// A TLS server of which every address was vetted.
pub(crate) struct VettedServer {
    /// The first address of each family, in the order found; at least one.
    pub(crate) targets: Vec<Target>,
    /// The caller's place among those whose certificates are verified.
    pub(crate) verification: Arc<SlotRequest>,
}

impl AdmissionControl {
    /// Looks up the name, if it is one, and vets every address.
    ///
    /// # Errors
    /// The policy refuses the port or an address, there is no time or no capacity, the caller is over its
    /// limit, or no name server answers. Only a look-up that was begun was charged.
    pub(crate) async fn vet_server(
        &self,
        context: &RequestContext,
        name: &ServerName<'static>,
        port: Port,
    ) -> Result<VettedServer, ApiError> {
        context.summary.begin(target_name(name), CheckKind::Tls.name(), 1);
        // All of this before a name is looked up, which is charged.
        self.config.policy.judge_ports(&[port])?;
        let requirements = CheckKind::Tls.requirements(&self.config);
        self.require_time(context, requirements)?;
        let verification = self.verifications.request(context.caller);
        let verification = verification.ok_or_else(|| self.busy("TLS checks under way"))?;
        let addresses = match name {
            ServerName::IpAddress(ip) => vec![IpAddr::from(*ip)],
            ServerName::DnsName(name) => self.look_up(context, name.as_ref(), requirements).await?,
            _ => unreachable!("there is no other kind of name"),
        };
        let targets = self.vet_addresses(context, &addresses, name, port)?;
        context.summary.begin_address(targets[0].address(), CheckKind::Tls.name());
        Ok(VettedServer { targets, verification })
    }

    /// Every address of a name. A look-up costs its caller one probe, even if it finds nothing.
    async fn look_up(
        &self,
        context: &RequestContext,
        name: &str,
        requirements: Requirements,
    ) -> Result<Vec<IpAddr>, ApiError> {
        let found = async {
            let _slot = self.lookup_slot(context, requirements).await?;
            self.limiter.charge_look_up(context.caller, Mode::Charge).await?;
            let addresses = self.resolver.addresses(name);
            // A check that was charged for its look-up keeps time for the handshake.
            let max_time = context.deadline.time_left().saturating_sub(requirements.min_time);
            let found = timeout(max_time, addresses).await;
            found.ok().and_then(Result::ok).ok_or_else(|| {
                let name = quoted(name);
                ApiError::check_failed(format!("cannot look up {name}: no name server could tell"))
            })
        };
        let shutting_down = async {
            self.draining.cancelled().await;
            sleep(LAST_LOOKUP_TIME).await;
        };
        tokio::select! {
            found = found => found,
            () = shutting_down => Err(ApiError::check_failed(format!(
                "cannot look up {} any more: the checker is shutting down", quoted(name)
            ))),
        }
    }

    /// Waits as long as there is time for the look-up and a handshake after that. Callers that are over
    /// their limit do not wait.
    async fn lookup_slot(
        &self,
        context: &RequestContext,
        requirements: Requirements,
    ) -> Result<Slot, ApiError> {
        self.limiter.charge_look_up(context.caller, Mode::DryRun).await?;
        let busy = || self.busy("names to be looked up");
        let request = self.resolver.slots.request(context.caller).ok_or_else(busy)?;
        let needed = LOOKUP_TIME + requirements.min_time;
        let max_wait = context.deadline.time_left().saturating_sub(needed);
        timeout(max_wait, request.slot()).await.map_err(|_| busy())
    }

    /// Vets every address. The first of each family is dialled, in the order found.
    fn vet_addresses(
        &self,
        context: &RequestContext,
        addresses: &[IpAddr],
        name: &ServerName<'static>,
        port: Port,
    ) -> Result<Vec<Target>, ApiError> {
        let mut targets: Vec<Target> = Vec::new();
        for &address in addresses {
            let vetted = self.vet(context, address, vec![port], CheckKind::Tls);
            let target = vetted.map_err(|refusal| refused(refusal, name))?;
            let is_ipv4 = target.address().is_ipv4();
            if targets.iter().all(|other| other.address().is_ipv4() != is_ipv4) {
                targets.push(target);
            }
        }
        if targets.is_empty() { Err(no_address(name)) } else { Ok(targets) }
    }

    fn busy(&self, requests: &str) -> ApiError {
        let error = ApiError::new(ErrorCode::Overloaded, format!("too many {requests} now"));
        error.with_retry_after(self.config.probe.timeout)
    }
}

fn target_name(name: &ServerName<'static>) -> TargetName {
    match name {
        ServerName::IpAddress(ip) => TargetName::Address(IpAddr::from(*ip).to_canonical()),
        name => TargetName::Host(name.to_str().into_owned()),
    }
}

/// The answer does not tell which addresses a name has inside the checker's own network.
fn refused(refusal: Refusal, name: &ServerName<'static>) -> ApiError {
    match (name, &refusal) {
        (ServerName::IpAddress(_), _) | (_, Refusal::Port { .. }) => refusal.into(),
        _ => no_address(name),
    }
}

/// A name with an address inside and one without any address have the same answer: else strangers would
/// learn which names there are inside.
fn no_address(name: &ServerName<'static>) -> ApiError {
    let message = format!(
        "{} has no address, or one that this checker does not dial; see PORT_CHECKER_TARGETS and \
         PORT_CHECKER_ALLOWED_TARGETS",
        quoted(&name.to_str())
    );
    ApiError::new(ErrorCode::TargetNotAllowed, message)
}
