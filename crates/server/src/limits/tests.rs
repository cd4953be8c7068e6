//! What holds whichever way the state is kept.

use std::net::{IpAddr, Ipv4Addr};

use port_checker_testbed::{process::free_address, redis as real_redis};
use tokio::runtime::Runtime;

use super::{memory::MemoryLimits, redis::RedisLimits, *};
use crate::{Config, RedisUrl, metrics::Metrics};

#[test]
fn who_counts_as_one() {
    let cases = [
        ("198.51.100.7", "198.51.100.7", "an IPv4 address"),
        ("::ffff:198.51.100.7", "198.51.100.7", "the same, mapped"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "an IPv6 subscriber"),
    ];
    for (address, subject, why) in cases {
        let expected: IpAddr = subject.parse().unwrap();
        assert_eq!(Subject::of(address.parse().unwrap()).address(), expected, "{why}");
    }
}

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

/// The script in Redis has the arithmetic of [`gcra`] a second time.
#[test]
fn redis_and_memory_decide_alike() {
    const CHANGES: usize = 5_000;
    let address = free_address();
    let Some(_redis) = real_redis::start(address, &[]) else { return };
    let url: RedisUrl = format!("redis://{address}").parse().unwrap();
    let client = url.client();
    let metrics = Metrics::new(&Config { redis: Some(url), ..Config::default() });
    let (redis, memory) = (RedisLimits::new(client, metrics), MemoryLimits::new());
    let runtime = Runtime::new().unwrap();
    runtime.block_on(redis.connect_first());
    let mut random = fastrand::Rng::with_seed(7);
    let mut admitted = 0;
    for _ in 0..CHANGES {
        let changes = any_changes(&mut random);
        let mode = if random.bool() { Mode::Charge } else { Mode::Tell };
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
