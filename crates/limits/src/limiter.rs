//! The limits as a request meets them.

use std::{net::IpAddr, sync::Arc, time::Instant};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    charge::{Change, Charge, Decision, Mode},
    observer::Observer,
    quota::Quota,
    receipt::Receipt,
    redis::RedisLimits,
    redis_url::RedisUrl,
    refusal::Refused,
    storage::{Storage, StorageKind},
    tariff::{Limits, Tariff},
};

/// The limits of a service.
pub struct Limiter {
    tariff: Tariff,
    storage: Arc<Storage>,
    observer: Arc<dyn Observer>,
}

impl Limiter {
    /// Limits that are kept in this process, or shared through a Redis. Nothing is connected yet.
    pub fn new(limits: &Limits, redis: Option<&RedisUrl>, observer: Arc<dyn Observer>) -> Self {
        let redis = redis.map(|url| RedisLimits::new(url.client(), Arc::clone(&observer)));
        Self { tariff: Tariff::new(limits), storage: Arc::new(Storage::new(redis)), observer }
    }

    /// Connects to Redis, if there is one, and makes the connection again whenever it is lost, in a task that
    /// ends with `stop`. A Redis that does not answer is logged, and the limits are kept in this process
    /// until it does.
    pub async fn start(&self, tasks: &TaskTracker, stop: CancellationToken) {
        self.storage.start(tasks, stop).await;
    }

    /// Charges `caller` and `target` for `ports` probes, or neither; a dry run charges nobody. The
    /// receipt is for the part that may be given back when the check has ended.
    ///
    /// # Errors
    /// A limit refuses the request. Nothing was charged.
    pub async fn charge(
        &self,
        (caller, target): (IpAddr, IpAddr),
        ports: usize,
        mode: Mode,
    ) -> Result<(Quota, Receipt), Refused> {
        let charges = self.tariff.charges(caller, target, ports as u64);
        let began = Instant::now();
        let (kind, decision) = self.decide(&charges, mode).await;
        let quota = answer(&charges, &decision)?;
        let dear = charges.iter().zip(&decision.balances).find(|(charge, _)| charge.each > 1);
        let receipt = match (mode, dear) {
            (Mode::Charge, Some((charge, balance))) => {
                let storage = (Arc::clone(&self.storage), kind);
                Receipt::new(storage, *charge, (balance.reset, began))
            }
            _ => Receipt::default(),
        };
        Ok((quota, receipt))
    }

    /// Charges `caller` alone, for looking up one name: no address is dialled, not even the caller's.
    ///
    /// # Errors
    /// The caller's limit refuses the request. Nothing was charged.
    pub async fn charge_look_up(&self, caller: IpAddr, mode: Mode) -> Result<Quota, Refused> {
        let charges = self.tariff.look_up(caller);
        let (_, decision) = self.decide(charges.as_slice(), mode).await;
        answer(charges.as_slice(), &decision)
    }

    async fn decide(&self, charges: &[Charge], mode: Mode) -> (StorageKind, Decision) {
        let changes: Vec<Change> = charges.iter().map(Charge::change).collect();
        let (kind, readings) = self.storage.change(&changes, mode).await;
        let decision = Decision::new(charges, &readings);
        // A dry run that is admitted is counted with the charge that follows it.
        if mode == Mode::Charge || decision.refused().is_some() {
            for (charge, balance) in charges.iter().zip(&decision.balances) {
                self.observer.limiter_decided(charge.scope, balance.admitted);
            }
        }
        (kind, decision)
    }
}

/// The answer to a request: its quota, or the refusal.
fn answer(charges: &[Charge], decision: &Decision) -> Result<Quota, Refused> {
    let quota = Quota::new(charges, decision);
    match decision.refused() {
        None => Ok(quota),
        Some(refused) => Err(Refused::new(charges, refused, quota)),
    }
}
