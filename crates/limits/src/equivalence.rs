//! Redis and this process decide alike.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use port_checker_testbed::{process::free_address, redis as real_redis};
use tokio::runtime::Runtime;

use crate::{
    charge::{Change, Mode},
    gcra::{Rate, Reading},
    memory::MemoryLimits,
    observer::Unobserved,
    redis::RedisLimits,
    redis_url::RedisUrl,
    subject::{Scope, Subject},
};

/// So slow that it makes no difference when a test asks: ten at once, one a minute.
fn slow_rate() -> Rate {
    Rate::new(1, 10).unwrap()
}

/// A change of one to three debts by up to 15 probes, or back by up to 5.
fn any_changes(random: &mut fastrand::Rng) -> Vec<Change> {
    let count = random.usize(1..=Scope::ALL.len());
    let change = |scope: &Scope| {
        let subject = IpAddr::V4(Ipv4Addr::from(random.u32(0..4)));
        let micros = random.i64(-5..=15) * 60_000_000;
        Change { scope: *scope, subject: Subject::of(subject), micros, rate: slow_rate() }
    };
    Scope::ALL[..count].iter().map(change).collect()
}

/// The script in Redis repeats the arithmetic of [`gcra`](crate::gcra).
#[test]
fn redis_and_memory_decide_alike() {
    const CHANGES: usize = 5_000;
    let address = free_address();
    let Some(_redis) = real_redis::start(address, &[]) else { return };
    let url: RedisUrl = format!("redis://{address}").parse().unwrap();
    let redis = RedisLimits::new(url.client(), Arc::new(Unobserved));
    let memory = MemoryLimits::new();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(redis.connect_first());
    let mut random = fastrand::Rng::with_seed(7);
    let mut admitted = 0;
    for _ in 0..CHANGES {
        let changes = any_changes(&mut random);
        let mode = if random.bool() { Mode::Charge } else { Mode::DryRun };
        let in_redis = runtime.block_on(redis.change(&changes, mode)).expect("Redis answers");
        let in_memory = memory.change(&changes, mode);
        // In probes: the clocks differ by less than one.
        let of = |readings: &[Reading]| -> Vec<(u64, bool)> {
            let probes = |reading: &Reading| reading.debt.div_ceil(slow_rate().micros(1));
            readings.iter().map(|reading| (probes(reading), reading.admitted)).collect()
        };
        assert_eq!(of(&in_redis), of(&in_memory), "{changes:?}");
        admitted += usize::from(in_memory.iter().all(|reading| reading.admitted));
    }
    assert!((CHANGES / 10..CHANGES * 9 / 10).contains(&admitted), "{admitted}: both happen");
}
