//! What every route that judges ports does: policy, admission, limits, probes.

use std::{net::IpAddr, sync::Arc};

use axum::Extension;
use port_checker_api::{Challenge, ChallengeOutcome, ErrorCode, Port, PortDetails, PortResult};
use port_checker_probe::{Admission, Check, Fault, Finding, Overloaded, Verdict};
use tracing::debug;

use crate::{
    Config,
    error::ApiError,
    limits::{Mode, RateLimitHeaders, Receipt},
    observe::access_log::Arrival,
    observe::check_summary::{SharedTally, Tally},
    observe::metrics::Metrics,
    routes::state::AppState,
};

/// What is asked, by whom, since when.
pub(crate) struct Question {
    pub(crate) caller: IpAddr,
    pub(crate) address: IpAddr,
    pub(crate) ports: Vec<Port>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) arrival: Arrival,
}

/// A check that was admitted and charged.
pub(crate) struct Judging {
    check: Check,
    metrics: Arc<Metrics>,
    tally: SharedTally,
    receipt: Receipt,
    family: &'static str,
    pub(crate) ports: usize,
}

/// Parts of every answer, good or bad: what the log counts, and how the caller stands.
pub(crate) type Parts = (Extension<SharedTally>, Option<RateLimitHeaders>);

/// Begins to judge.
///
/// # Errors
/// The policy or a limit refuses, or there is no capacity; with the parts of the answer.
pub(crate) async fn begin(
    state: &AppState,
    question: Question,
) -> Result<(Parts, Judging), (Parts, ApiError)> {
    let Question { caller, address, ports, challenge, arrival } = question;
    let address = address.to_canonical();
    let tally = SharedTally::new(Tally::new(address, ports.len()));
    let refused = |error| ((Extension(tally.clone()), None), error);
    let vetted = state.config.policy.vet(caller, address, ports);
    let target = vetted.map_err(|refusal| refused(refusal.into()))?;
    let ports = target.ports().len();
    tally.update(|tally| tally.ports = ports);
    let parties = (caller, address);
    let admission = admit(state, parties, ports, arrival).await.map_err(refused)?;
    let charged = state.limiter.charge(parties, ports, Mode::Charge).await;
    let (standing, receipt) = charged.map_err(refused)?;
    let time_left = arrival.time_left(state.config.deadline);
    let prober = match state.config.limits.third_party_attempts() {
        Some(attempts) if caller != address => state.prober.limited_to(attempts),
        _ => state.prober.clone(),
    };
    let judging = Judging {
        check: prober.check(admission, target, challenge, time_left),
        metrics: Arc::clone(&state.metrics),
        tally: tally.clone(),
        receipt,
        family: if address.is_ipv4() { "ipv4" } else { "ipv6" },
        ports,
    };
    Ok(((Extension(tally), Some(standing)), judging))
}

impl Judging {
    /// The next finding, counted and logged; none when every port has one.
    ///
    /// # Errors
    /// The checker could not judge.
    pub(crate) async fn next(&mut self) -> Option<Result<Finding, Fault>> {
        let Some(next) = self.check.next().await else {
            self.receipt.give_back().await;
            return None;
        };
        match &next {
            Ok(finding) => {
                if finding.challenge == Some(ChallengeOutcome::Matched) {
                    self.receipt.note_match();
                }
                self.tally.update(|tally| tally.count(finding.verdict));
                self.metrics.judged(finding, self.family);
                log(finding, self.check.target().address());
            }
            Err(fault) => {
                self.receipt.give_back().await;
                self.metrics.failed(fault);
            }
        }
        Some(next)
    }
}

/// Finds a socket to begin with. Waits for one as long as the check could still end in time after
/// that; whoever is over a limit does not take a place among those that wait.
pub(super) async fn admit(
    state: &AppState,
    parties: (IpAddr, IpAddr),
    ports: usize,
    arrival: Arrival,
) -> Result<Admission, ApiError> {
    let Config { probe, deadline, .. } = &*state.config;
    let (budget, caller) = (state.prober.budget(), parties.0);
    let time_left = arrival.time_left(*deadline);
    let turn_away = |overloaded| turned_away(overloaded, &state.config);
    budget.fits(caller, ports, probe.socket_time(), time_left).map_err(turn_away)?;
    if let Some(admission) = budget.admit_now(caller, ports) {
        return Ok(admission);
    }
    state.limiter.charge(parties, ports, Mode::Tell).await?;
    budget.admit(caller, time_left.saturating_sub(probe.longest())).await.map_err(turn_away)
}

/// When there is a socket again: each is free after one time-out at the latest, and goes to whoever
/// waits longest; and nobody waits or checks longer than the deadline.
fn turned_away(overloaded: Overloaded, config: &Config) -> ApiError {
    let Overloaded { limit, waiting, .. } = overloaded;
    let turns = u32::try_from(waiting / limit + 1).unwrap_or(u32::MAX);
    let wait = config.probe.timeout.saturating_mul(turns).min(config.deadline);
    ApiError::new(ErrorCode::Overloaded, overloaded.to_string()).with_retry_after(wait)
}

fn log(finding: &Finding, target: IpAddr) {
    debug!(
        %target,
        port = finding.port,
        verdict = finding.verdict.name(),
        attempts = finding.attempts,
        connect_ms = milliseconds(finding),
        icmp = finding.icmp.map(|icmp| icmp.message.name()),
        icmp_from = finding.icmp.map(|icmp| tracing::field::display(icmp.from)),
        "judged"
    );
}

/// A finding in the words of the contract.
pub(crate) fn result(finding: &Finding, verbose: bool) -> PortResult {
    let (plain, reason) = match finding.verdict {
        Verdict::Open => (PortResult::accessible(), None),
        Verdict::NotOpen(reason) => (PortResult::not_accessible(reason), Some(reason)),
    };
    let details = verbose.then(|| PortDetails {
        reason: reason.map(Into::into),
        attempts: finding.attempts,
        connect_ms: milliseconds(finding),
        challenge: finding.challenge.map(Into::into),
        icmp: finding.icmp,
    });
    PortResult { details, ..plain }
}

/// To the microsecond: more digits would be noise.
fn milliseconds(finding: &Finding) -> f64 {
    (finding.elapsed.as_secs_f64() * 1e6).round() / 1e3
}
