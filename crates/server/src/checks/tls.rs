//! From a name to a handshake with an address that may be dialled.

use std::{net::IpAddr, sync::Arc, time::Duration};

use port_checker_api::{ErrorCode, Port};
use port_checker_probe::{
    Fault, OffsetDateTime, Refusal, ServerName, Target, TlsContact, TlsExpectation, TlsFinding,
    TlsVerdict,
};
use tokio::time::{sleep, timeout};

use super::ports::admit;
use crate::{
    admission::caller_slots::{Slot, SlotRequest},
    admission::resolver::LOOKUP_TIME,
    checks::verification::verify,
    error::{ApiError, quoted},
    limits::{Mode, RateLimitHeaders},
    observe::access_log::Arrival,
    observe::check_summary::{SharedTally, Tally},
    routes::state::AppState,
};

/// How long after the signal to stop a name may still be looked up: a name server that answers does so
/// well within, and one that does not must not delay the end.
const LAST_LOOKUP_TIME: Duration = Duration::from_secs(1);

/// Who asks about which port, and since when.
pub(crate) struct TlsInquiry<'a> {
    pub(crate) state: &'a AppState,
    pub(crate) caller: IpAddr,
    pub(crate) arrival: Arrival,
    pub(crate) port: Port,
    /// For the log: which address it is about, once that is known.
    pub(crate) tally: Option<SharedTally>,
}

/// What came of it.
pub(crate) struct TlsAnswer {
    pub(crate) verdict: TlsVerdict,
    pub(crate) not_after: Option<OffsetDateTime>,
    pub(crate) standing: RateLimitHeaders,
}

impl TlsInquiry<'_> {
    /// Looks the name up, once, and shakes hands with what it found.
    pub(crate) async fn ask(&mut self, expected: &TlsExpectation) -> Result<TlsAnswer, ApiError> {
        // Before a name is looked up for a port that is not dialled.
        self.state.config.policy.judge_ports(&[self.port])?;
        // Before anything is charged.
        let verification = self.state.tls.request(self.caller);
        let verification = verification.ok_or_else(|| self.busy("TLS checks under way"))?;
        let addresses = match &expected.name {
            ServerName::IpAddress(ip) => vec![IpAddr::from(*ip)],
            ServerName::DnsName(name) => self.look_up(name.as_ref()).await?,
            _ => unreachable!("there is no other kind of name"),
        };
        let targets = self.vet(&addresses, &expected.name)?;
        let mut answer = self.handshake(&targets[0], expected, &verification).await?;
        for target in &targets[1..] {
            if !matches!(answer.verdict, TlsVerdict::NotConnected(_)) {
                break;
            }
            let judged = self.tally.clone();
            match self.handshake(target, expected, &verification).await {
                Ok(next) => answer = next,
                // What cannot be judged does not take back what was.
                Err(_) => {
                    self.tally = judged;
                    break;
                }
            }
        }
        Ok(answer)
    }

    /// Every address of a name. A look-up costs its caller a probe, whatever it finds.
    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, ApiError> {
        let found = async {
            let _slot = self.lookup_slot().await?;
            self.state.limiter.charge_look_up(self.caller, Mode::Charge).await?;
            let addresses = self.state.tls.resolver.addresses(name);
            // What is charged is not refused for time unless the name server takes it all.
            let found = timeout(self.time_left(), addresses).await;
            found.ok().and_then(Result::ok).ok_or_else(|| {
                let name = quoted(name);
                ApiError::check_failed(format!("cannot look up {name}: no name server could tell"))
            })
        };
        let shutting_down = async {
            self.state.draining.cancelled().await;
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
    async fn lookup_slot(&self) -> Result<Slot, ApiError> {
        self.state.limiter.charge_look_up(self.caller, Mode::Tell).await?;
        let busy = || self.busy("names to be looked up");
        let request = self.state.tls.resolver.slots.request(self.caller).ok_or_else(busy)?;
        let needed = LOOKUP_TIME + self.state.config.probe.timeout;
        let spare = self.time_left().saturating_sub(needed);
        timeout(spare, request.slot()).await.map_err(|_| busy())
    }

    /// Judges every address. The first of each family is dialled, in the order found.
    fn vet(
        &mut self,
        addresses: &[IpAddr],
        name: &ServerName<'static>,
    ) -> Result<Vec<Target>, ApiError> {
        let mut targets = Vec::new();
        for &address in addresses {
            let vetted = self.state.config.policy.vet(self.caller, address, vec![self.port]);
            targets.push(vetted.map_err(|refusal| {
                self.is_about(address);
                refused(refusal, name)
            })?);
        }
        let Some(first) = targets.first() else { return Err(leads_nowhere(name)) };
        let first_is_ipv4 = first.address().is_ipv4();
        let other = targets.iter().find(|target| target.address().is_ipv4() != first_is_ipv4);
        let other = other.cloned();
        targets.truncate(1);
        targets.extend(other);
        Ok(targets)
    }

    async fn handshake(
        &mut self,
        target: &Target,
        expected: &TlsExpectation,
        verification: &Arc<SlotRequest>,
    ) -> Result<TlsAnswer, ApiError> {
        let (state, address) = (self.state, target.address());
        self.is_about(address);
        let prober = state.tls.prober().await?;
        let parties = (self.caller, address);
        let admission = admit(state, parties, 1, self.arrival).await?;
        let limit = state.config.probe.timeout;
        // Before it is charged.
        if self.time_left() < limit {
            return Err(self.failed(Fault::DeadlinePassed { unjudged: 1, ports: 1 }));
        }
        let (standing, _) = state.limiter.charge(parties, 1, Mode::Charge).await?;
        let times = (limit, self.time_left());
        let contact = prober.handshake(admission, target, expected.clone(), times).await;
        let finding = match contact {
            Ok(TlsContact::Judged(finding)) => Ok(finding),
            Ok(TlsContact::Unverified(unverified)) => {
                verify(verification, unverified, self.time_left(), &state.metrics).await
            }
            Err(fault) => Err(fault),
        };
        let TlsFinding { verdict, not_after } = finding.map_err(|fault| self.failed(fault))?;
        Ok(TlsAnswer { verdict, not_after, standing })
    }

    fn is_about(&mut self, address: IpAddr) {
        self.tally = Some(SharedTally::new(Tally::new(address, 1)));
    }

    fn busy(&self, what: &str) -> ApiError {
        let error = ApiError::new(ErrorCode::Overloaded, format!("too many {what} now"));
        error.with_retry_after(self.state.config.probe.timeout)
    }

    fn failed(&self, fault: Fault) -> ApiError {
        self.state.metrics.failed(&fault);
        fault.into()
    }

    fn time_left(&self) -> Duration {
        self.arrival.time_left(self.state.config.deadline)
    }
}

/// What a name leads to inside the checker's own network is not told.
fn refused(refusal: Refusal, name: &ServerName<'static>) -> ApiError {
    match (name, &refusal) {
        (ServerName::IpAddress(_), _) | (_, Refusal::Port { .. }) => refusal.into(),
        _ => leads_nowhere(name),
    }
}

/// A name that leads inside and one that leads nowhere have the same answer: else strangers would learn
/// which names there are inside.
fn leads_nowhere(name: &ServerName<'static>) -> ApiError {
    let message = format!(
        "{} has no address, or one that this checker does not dial; see PORT_CHECKER_TARGETS and \
         PORT_CHECKER_ALLOWED_TARGETS",
        quoted(&name.to_str())
    );
    ApiError::new(ErrorCode::TargetNotAllowed, message)
}
