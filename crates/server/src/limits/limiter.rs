//! The limits of the service: what a request costs, and where that is kept.

use std::{net::IpAddr, sync::Arc};

use port_checker_api::ErrorCode;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Charge, Decision, Mode, Rate, SHORTEST_WAIT, Side, Subject, headers::RateLimitHeaders,
    memory::MemoryLimits, redis::RedisLimits,
};
use crate::{Config, error::ApiError, metrics::Metrics};

/// The limits of the service.
pub(crate) struct Limiter {
    caller: Option<Rate>,
    target: Option<Rate>,
    third_party_cost: u64,
    memory: MemoryLimits,
    redis: Option<Arc<RedisLimits>>,
    metrics: Arc<Metrics>,
}

impl Limiter {
    pub(crate) fn new(config: &Config, metrics: Arc<Metrics>) -> Self {
        let limits = &config.limits;
        Self {
            caller: Rate::new(limits.caller.per_minute, limits.caller.burst),
            target: Rate::new(limits.target.per_minute, limits.target.burst),
            third_party_cost: u64::from(limits.third_party_cost),
            memory: MemoryLimits::new(),
            redis: config
                .redis
                .as_ref()
                .map(|redis| Arc::new(RedisLimits::new(redis.client(), Arc::clone(&metrics)))),
            metrics,
        }
    }

    /// Connects to Redis, if there is one, and sees to it that the connection is made again.
    pub(crate) async fn start(&self, tasks: &TaskTracker, stop: CancellationToken) {
        if let Some(redis) = &self.redis {
            redis.connect_first().await;
            tasks.spawn(Arc::clone(redis).keep_connected(stop));
        }
    }

    /// Charges `caller` and `target` for `ports` probes, or neither; or only tells what would be.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the headers that tell how the caller stands.
    pub(crate) async fn charge(
        &self,
        (caller, target): (IpAddr, IpAddr),
        ports: usize,
        mode: Mode,
    ) -> Result<RateLimitHeaders, ApiError> {
        let charges = self.charges(Subject::of(caller), Subject::of(target), ports as u64);
        let decision = self.decide(&charges, mode).await;
        // What was only told is counted when it is decided, or refused here.
        if mode == Mode::Charge || decision.refused().is_some() {
            for (charge, standing) in charges.iter().zip(&decision.standings) {
                self.metrics.limiter_decided(charge.side, standing.admitted);
            }
        }
        let headers = RateLimitHeaders::new(&charges, &decision);
        match decision.refused() {
            None => Ok(headers),
            Some((index, standing)) => {
                let message = refusal(&charges[index], ports as u64, standing.remaining);
                let error = ApiError::new(ErrorCode::RateLimited, message);
                let wait = standing.wait.max(SHORTEST_WAIT);
                Err(error.with_retry_after(wait).with_rate_limit(headers))
            }
        }
    }

    fn charges(&self, caller: Subject, target: Subject, ports: u64) -> Vec<Charge> {
        let third_party = if caller == target { 1 } else { self.third_party_cost };
        let of_caller = self.caller.map(|rate| {
            let cost = ports.saturating_mul(third_party);
            Charge { side: Side::Caller, subject: caller, rate, cost }
        });
        let of_target = self.target.map(|rate| Charge {
            side: Side::Target,
            subject: target,
            rate,
            cost: ports,
        });
        of_caller.into_iter().chain(of_target).collect()
    }

    async fn decide(&self, charges: &[Charge], mode: Mode) -> Decision {
        if let (Some(redis), false) = (&self.redis, charges.is_empty())
            && let Some(decision) = redis.charge(charges, mode).await
        {
            return decision;
        }
        self.memory.charge(charges, mode)
    }
}

fn refusal(charge: &Charge, ports: u64, remaining: u64) -> String {
    let Charge { side, subject, rate, cost } = charge;
    let subject = subject.address();
    let each = cost.checked_div(ports).unwrap_or(1).max(1);
    let dear = match each {
        1 => String::new(),
        _ => format!(" (each counts {each} times, because the target is not the caller)"),
    };
    let advice = match cost > &rate.burst() {
        true => format!("ask for at most {} at once", rate.burst() / each),
        false => format!("{} are left now; come back after Retry-After", remaining / each),
    };
    let whose = side.name();
    format!(
        "{ports} ports are more than the {whose} {subject} may have checked now{dear}: {advice}"
    )
}
