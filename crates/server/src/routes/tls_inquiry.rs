//! From a name to a handshake with an address that may be dialled.

use std::{net::IpAddr, time::Duration};

use port_checker_api::{ErrorCode, Port};
use port_checker_probe::{
    Fault, OffsetDateTime, Refusal, ServerName, Target, TlsFinding, TlsVerdict,
};

use super::judging::admit;
use crate::{
    access_log::Arrival,
    error::{ApiError, quoted},
    limits::{Mode, RateLimitHeaders},
    names::Unresolved,
    state::AppState,
};

/// Who asks about which port, and since when.
pub(super) struct TlsInquiry<'a> {
    pub(super) state: &'a AppState,
    pub(super) caller: IpAddr,
    pub(super) arrival: Arrival,
    pub(super) port: Port,
}

/// What came of it.
pub(super) struct TlsAnswer {
    /// None: the name has no address.
    pub(super) verdict: Option<TlsVerdict>,
    pub(super) not_after: Option<OffsetDateTime>,
    /// Which address it is about.
    pub(super) address: Option<IpAddr>,
    pub(super) standing: RateLimitHeaders,
}

impl TlsInquiry<'_> {
    /// Looks the name up, once, and shakes hands with what it found.
    pub(super) async fn ask(
        &self,
        name: &ServerName<'static>,
        expected_ip: Option<IpAddr>,
    ) -> Result<TlsAnswer, ApiError> {
        // Before a name is looked up for a port that is not dialled.
        self.state.config.policy.judge_ports(&[self.port])?;
        let addresses = match name {
            ServerName::IpAddress(ip) => vec![IpAddr::from(*ip)],
            ServerName::DnsName(name) => self.look_up(name.as_ref()).await?,
            _ => unreachable!("there is no other kind of name"),
        };
        if addresses.is_empty() {
            let standing = self.state.limiter.charge_look_up(self.caller, Mode::Tell).await?;
            return Ok(TlsAnswer { verdict: None, not_after: None, address: None, standing });
        }
        let targets = self.vet(&addresses, name)?;
        let mut answer = self.shake_hands(&targets[0], name, expected_ip).await?;
        for target in &targets[1..] {
            if !matches!(answer.verdict, Some(TlsVerdict::NotConnected(_))) {
                break;
            }
            // What cannot be judged does not take back what was.
            let Ok(next) = self.shake_hands(target, name, expected_ip).await else { break };
            answer = next;
        }
        Ok(answer)
    }

    /// Empty if the name has no address. A look-up costs its caller a probe, whatever it finds.
    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, ApiError> {
        self.state.limiter.charge_look_up(self.caller, Mode::Charge).await?;
        let patience = self.time_left().saturating_sub(self.state.config.probe.timeout);
        match self.state.tls.names.addresses(name, self.caller, patience).await {
            Ok(addresses) => Ok(addresses),
            Err(Unresolved::NoAddress) => Ok(Vec::new()),
            Err(Unresolved::Failed(reason)) => Err(ApiError::check_failed(reason)),
            Err(Unresolved::Busy) => {
                let error = "too many names are looked up now; try again";
                let error = ApiError::new(ErrorCode::Overloaded, error);
                Err(error.with_retry_after(self.state.config.probe.timeout))
            }
        }
    }

    /// Judges every address. The first of each family is dialled, in the order found.
    fn vet(
        &self,
        addresses: &[IpAddr],
        name: &ServerName<'static>,
    ) -> Result<Vec<Target>, ApiError> {
        let vet = |&address| self.state.config.policy.vet(self.caller, address, vec![self.port]);
        let mut targets = addresses
            .iter()
            .map(vet)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|refusal| refused(refusal, name))?;
        let is_ipv4 = |target: &Target| target.address().is_ipv4();
        let other = targets.iter().find(|target| is_ipv4(target) != is_ipv4(&targets[0])).cloned();
        targets.truncate(1);
        targets.extend(other);
        Ok(targets)
    }

    async fn shake_hands(
        &self,
        target: &Target,
        name: &ServerName<'static>,
        expected_ip: Option<IpAddr>,
    ) -> Result<TlsAnswer, ApiError> {
        let address = target.address();
        let prober = self.state.tls.prober().await?;
        let admission = admit(self.state, (self.caller, address), 1, self.arrival).await?;
        let (standing, _) =
            self.state.limiter.charge((self.caller, address), 1, Mode::Charge).await?;
        let limit = self.state.config.probe.timeout;
        if self.time_left() < limit {
            return Err(self.failed(Fault::DeadlinePassed { unjudged: 1, ports: 1 }));
        }
        let found = prober.handshake(admission, target, name.clone(), expected_ip, limit).await;
        let TlsFinding { verdict, not_after } = found.map_err(|fault| self.failed(fault))?;
        Ok(TlsAnswer { verdict: Some(verdict), not_after, address: Some(address), standing })
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
        (ServerName::DnsName(name), refusal) if !matches!(refusal, Refusal::Port { .. }) => {
            let message = format!(
                "{} has an address that this checker does not dial; see \
                 PORT_CHECKER_ALLOWED_TARGETS",
                quoted(name.as_ref())
            );
            ApiError::new(ErrorCode::TargetNotAllowed, message)
        }
        _ => refusal.into(),
    }
}
