//! The service beside itself: with everything around a check and with nothing, and beside others'
//! requests.

use port_checker_testbed::{
    http::{begin_check, connect, metric},
    ports::{Held, LOOPBACK, Silent},
    process::{free_address, wait_until},
    redis,
};

use crate::{
    load::{Targets, latency, routes, throughput},
    service::{GENEROUS, UNLIMITED, start},
    table::{Goal, Table},
};

/// Connections at once.
const CONNECTIONS: usize = 8;

/// Checks a second with policy, limits, metrics, log, request ids and time limits, beside none of
/// them.
pub(crate) fn overhead_around_a_check(table: &mut Table) -> anyhow::Result<()> {
    const HUNDREDS: &str = "hundreds of open ports: policy, limits, metrics, log on / all off";
    const SINGLE: &str = "single open port: policy, limits, metrics, log on / all off";
    const LIMITS: &str = "single open port: limits on / off";
    if !table.wants(&[HUNDREDS, SINGLE, LIMITS]) {
        return Ok(());
    }
    let (hundred, one) = (Targets::open(100), Targets::open(1));
    let (unlimited, (_routes, off)) = (start(&UNLIMITED), routes());
    let mut rows = [const { Vec::new() }; 3];
    for _ in 0..table.rounds {
        // With whole allowances.
        let on = start(&[RATE, TARGET_RATE]);
        let ratio = |on, off, targets: &Targets| -> anyhow::Result<f64> {
            let rate = |server| throughput(server, &targets.body(), CONNECTIONS);
            Ok(rate(on)? / rate(off)?)
        };
        rows[0].push(ratio(on.address, off, &hundred)?);
        rows[1].push(ratio(on.address, off, &one)?);
        rows[2].push(ratio(on.address, unlimited.address, &one)?);
    }
    let [hundreds, singles, limits] = rows;
    table.add(HUNDREDS, "", Goal::AtLeast(0.9), hundreds);
    table.add(SINGLE, "", Goal::Known, singles);
    table.add(LIMITS, "", Goal::AtLeast(0.9), limits);
    Ok(())
}

/// The cost of holding each connection for a moment, in case it is reset at once.
pub(crate) fn settling(table: &mut Table) -> anyhow::Result<()> {
    const TIME: &str = "one open port: time, waiting for a reset / not, ms more";
    const NAME: &str = "single open port, 32 connections: checks/s, waiting for a reset / not";
    const MANY: usize = 32;
    const COUNT: usize = 200;
    if !table.wants(&[NAME, TIME]) {
        return Ok(());
    }
    let one = Targets::open(1);
    let by_default = [UNLIMITED[0], UNLIMITED[1], ("PORT_CHECK_SETTLE", "0.5")];
    let (off, on) = (start(&UNLIMITED), start(&by_default));
    let (mut rates, mut times) = (Vec::new(), Vec::new());
    for _ in 0..table.rounds {
        let rate = |server| throughput(server, &one.body(), MANY);
        rates.push(rate(on.address)? / rate(off.address)?);
        let time = |server| latency(&mut connect(server), &one.body(), COUNT).as_secs_f64();
        times.push((time(on.address) - time(off.address)) * 1e3);
    }
    table.add(NAME, "", Goal::Known, rates);
    table.add(TIME, "", Goal::Known, times);
    Ok(())
}

/// Limits that never refuse.
const RATE: (&str, &str) = ("PORT_CHECKER_RATE_PER_MINUTE", GENEROUS);
const TARGET_RATE: (&str, &str) = ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", GENEROUS);

/// The same with limits shared through Redis.
pub(crate) fn shared_limits(table: &mut Table) -> anyhow::Result<()> {
    const NAME: &str = "single open port: limits in Redis / in the process";
    if !table.wants(&[NAME]) {
        return Ok(());
    }
    let address = free_address();
    let Some(_redis) = redis::start(address, &[]) else { return Ok(()) };
    let url = format!("redis://{address}");
    let one = Targets::open(1);
    let memory = start(&[RATE, TARGET_RATE]);
    let shared = start(&[RATE, TARGET_RATE, ("PORT_CHECKER_REDIS_URL", &url)]);
    let mut ratios = Vec::new();
    for _ in 0..table.rounds {
        let rate = |server| throughput(server, &one.body(), CONNECTIONS);
        ratios.push(rate(shared.address)? / rate(memory.address)?);
    }
    table.add(NAME, "", Goal::Known, ratios);
    Ok(())
}

/// One open port, asked about while 1,024 ports that never answer are in flight for another.
pub(crate) fn beside_a_slow_request(table: &mut Table) {
    const NAME: &str = "one open port: time, beside 1,024 silent ones / alone";
    const COUNT: usize = 200;
    if !table.wants(&[NAME]) {
        return;
    }
    let (open, service) = (Targets::open(1), start(&UNLIMITED));
    let silent: Vec<Silent> = (0..1024).map(|_| Silent::on(LOOPBACK)).collect();
    let ports: Vec<u16> = silent.iter().map(|silent| silent.port().get()).collect();
    let slow = format!(r#"{{"ports":{ports:?}}}"#);
    let mut client = connect(service.address);
    let ratios = (0..table.rounds).map(|_| {
        let alone = latency(&mut client, &open.body(), COUNT);
        let slow = begin_check(service.address, &slow);
        let in_flight = || metric(service.address, "port_checker_probes_in_flight ");
        wait_until("all are in flight", || in_flight() >= 1024.0);
        let beside = latency(&mut client, &open.body(), COUNT);
        drop(slow);
        wait_until("all are gone", || in_flight() == 0.0);
        beside.as_secs_f64() / alone.as_secs_f64()
    });
    let ratios = ratios.collect();
    table.add(NAME, "", Goal::Known, ratios);
}
