//! The limits of the service: what a request is charged, and where that is kept.

use std::{net::IpAddr, sync::Arc, time::Instant};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Change, Charge, Decision, Mode, Reading, Receipt, Tariff, headers::RateLimitHeaders,
    memory::MemoryLimits, redis::RedisLimits, refusal,
};
use crate::{Config, error::ApiError, metrics::Metrics};

/// The limits of the service.
pub(crate) struct Limiter {
    tariff: Tariff,
    memory: MemoryLimits,
    redis: Option<Arc<RedisLimits>>,
    metrics: Arc<Metrics>,
}

/// Where a charge was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    Memory,
    Redis,
}

impl Limiter {
    pub(crate) fn new(config: &Config, metrics: Arc<Metrics>) -> Self {
        Self {
            tariff: Tariff::new(&config.limits),
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

    /// Charges `caller` and `target` for `ports` probes, or neither; or only tells what would be. The
    /// receipt is for what may be given back when the check has ended.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the headers that tell what the caller has left.
    pub(crate) async fn charge(
        self: &Arc<Self>,
        (caller, target): (IpAddr, IpAddr),
        ports: usize,
        mode: Mode,
    ) -> Result<(RateLimitHeaders, Receipt), ApiError> {
        let charges = self.tariff.charges(caller, target, ports as u64);
        let began = Instant::now();
        let (storage, decision) = self.decide(&charges, mode).await;
        let headers = answer(&charges, &decision)?;
        let dear = charges.iter().zip(&decision.balances).find(|(charge, _)| charge.each > 1);
        let receipt = match (mode, dear) {
            (Mode::Charge, Some((charge, balance))) => {
                Receipt::new(self, storage, *charge, (balance.reset, began))
            }
            _ => Receipt::default(),
        };
        Ok((headers, receipt))
    }

    /// Charges `caller` alone, for looking up one name: no address is dialled, not even the caller's.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the headers that tell what the caller has left.
    pub(crate) async fn charge_look_up(
        &self,
        caller: IpAddr,
        mode: Mode,
    ) -> Result<RateLimitHeaders, ApiError> {
        let charges = self.tariff.look_up(caller);
        let (_, decision) = self.decide(charges.as_slice(), mode).await;
        answer(charges.as_slice(), &decision)
    }

    /// Takes back a part of what a caller was charged there.
    pub(super) async fn give_back(&self, storage: Storage, change: Change) {
        match (storage, &self.redis) {
            (Storage::Redis, Some(redis)) => {
                // A Redis that is gone has forgotten the charge too.
                let _ = redis.change(&[change], Mode::Charge).await;
            }
            _ => drop(self.memory.change(&[change], Mode::Charge)),
        }
    }

    async fn decide(&self, charges: &[Charge], mode: Mode) -> (Storage, Decision) {
        let changes: Vec<Change> = charges.iter().map(Charge::change).collect();
        let (storage, readings) = self.change(&changes, mode).await;
        let decision = Decision::new(charges, &readings);
        // What was only told is counted when it is decided, or refused here.
        if mode == Mode::Charge || decision.refused().is_some() {
            for (charge, balance) in charges.iter().zip(&decision.balances) {
                self.metrics.limiter_decided(charge.scope, balance.admitted);
            }
        }
        (storage, decision)
    }

    async fn change(&self, changes: &[Change], mode: Mode) -> (Storage, Vec<Reading>) {
        if let (Some(redis), false) = (&self.redis, changes.is_empty())
            && let Some(readings) = redis.change(changes, mode).await
        {
            return (Storage::Redis, readings);
        }
        (Storage::Memory, self.memory.change(changes, mode))
    }
}

/// What a decision means for the request.
fn answer(charges: &[Charge], decision: &Decision) -> Result<RateLimitHeaders, ApiError> {
    let headers = RateLimitHeaders::new(charges, decision);
    match decision.refused() {
        None => Ok(headers),
        Some(refused) => Err(refusal::refusal(charges, refused).with_rate_limit(headers)),
    }
}
