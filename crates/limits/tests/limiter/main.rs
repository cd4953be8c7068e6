//! The limits as a service uses them.

mod charges;
mod give_back;
mod observed;
mod refusals;
mod shared;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use port_checker_limits::{
    Allowance, Limiter, Limits, Mode, Observer, RedisUrl, Refused, Scope, Unobserved,
};

/// A caller, and a target that asks for itself.
const OWNER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// Asks about others.
const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

/// One probe a minute, so that no probe comes back during a test.
const fn allowance(burst: u32) -> Allowance {
    Allowance { per_minute: 1, burst }
}

/// 10 ports of a caller; of a target 6 by itself and 6 by all others, whose ports cost three probes each.
const STRICT: Limits = Limits { caller: allowance(10), target: allowance(12), third_party_cost: 3 };

fn in_memory(limits: &Limits) -> Limiter {
    Limiter::new(limits, None, Arc::new(Unobserved))
}

/// Whether `caller` is admitted with `ports` of `target`.
async fn admits(limiter: &Limiter, caller: IpAddr, target: IpAddr, ports: usize) -> bool {
    limiter.charge((caller, target), ports, Mode::Charge).await.is_ok()
}

/// The rest of each allowance of `caller` that a check of `target` counts against.
async fn left(limiter: &Limiter, caller: IpAddr, target: IpAddr) -> Vec<(Scope, u64)> {
    let charged = limiter.charge((caller, target), 0, Mode::DryRun).await;
    let (quota, _) = charged.expect("no ports are always admitted");
    quota.0.into_iter().map(|quota| (quota.scope, quota.remaining)).collect()
}

/// The time to wait, in whole seconds: a little has passed since the refusal.
fn seconds(refused: &Refused) -> Option<u64> {
    refused.retry_after.map(|wait| wait.as_millis().div_ceil(1_000) as u64)
}

/// An event that an [`Observer`] is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Observed {
    Decided(Scope, bool),
    Up(bool),
    Answered(bool),
}

/// Keeps every event.
#[derive(Default)]
struct Recorder(Mutex<Vec<Observed>>);

impl Recorder {
    fn events(&self) -> MutexGuard<'_, Vec<Observed>> {
        self.0.lock().expect("no test panics while it holds this lock")
    }

    fn add(&self, event: Observed) {
        self.events().push(event);
    }

    fn take(&self) -> Vec<Observed> {
        std::mem::take(&mut *self.events())
    }

    fn count(&self, event: Observed) -> usize {
        self.events().iter().filter(|&&recorded| recorded == event).count()
    }
}

impl Observer for Recorder {
    fn limiter_decided(&self, scope: Scope, admitted: bool) {
        self.add(Observed::Decided(scope, admitted));
    }

    fn redis_up(&self, up: bool) {
        self.add(Observed::Up(up));
    }

    fn redis_answered(&self, _: Duration, succeeded: bool) {
        self.add(Observed::Answered(succeeded));
    }
}
