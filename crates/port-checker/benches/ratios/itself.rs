//! The service against itself: beside a slow request, and with limits on.

use std::process::Command;

use port_checker_testbed::{
    http::{begin_check, connect, metric},
    ports::{Held, LOOPBACK, Silent},
    process::{Running, free_address, wait_until},
};

use crate::{
    ROUNDS,
    load::{GENEROUS, UNLIMITED, accepting, latency, service, throughput},
    report,
};

/// Clients at once, and what each asks.
const CLIENTS: usize = 8;
const EACH: usize = 500;

/// One open port, asked about while 1,024 ports that never answer are in flight for another.
pub(crate) fn beside_a_slow_request() {
    const ASKED: usize = 200;
    let service = service(UNLIMITED, "");
    let open = accepting();
    let silent: Vec<Silent> = (0..1024).map(|_| Silent::on(LOOPBACK)).collect();
    let ports: Vec<u16> = silent.iter().map(|silent| silent.port().get()).collect();
    let slow = format!(r#"{{"ports":{ports:?}}}"#);
    let mut client = connect(service.address);
    let ratios = (0..ROUNDS).map(|_| {
        let alone = latency(&mut client, &open, ASKED);
        let slow = begin_check(service.address, &slow);
        let in_flight = || metric(service.address, "port_checker_probes_in_flight ");
        wait_until("all are in flight", || in_flight() >= 1024.0);
        let beside = latency(&mut client, &open, ASKED);
        drop(slow);
        wait_until("all are gone", || in_flight() == 0.0);
        beside.as_secs_f64() / alone.as_secs_f64()
    });
    report("time of one open port: beside 1,024 silent ones / alone", ratios.collect());
}

/// Single-port checks a second with limits off, in the process, and in Redis.
pub(crate) fn what_limits_cost() {
    let redis_address = free_address();
    let port = redis_address.port().to_string();
    let mut redis = Command::new("redis-server");
    redis.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
    let _redis = Running::start(&mut redis, redis_address);
    let url = format!("redis://{redis_address}");
    let open = accepting();
    let (off, memory, shared) =
        (service(UNLIMITED, ""), service(GENEROUS, ""), service(GENEROUS, &url));
    let rounds: Vec<[f64; 3]> = (0..ROUNDS)
        .map(|_| {
            [&off, &memory, &shared]
                .map(|service| throughput(service.address, &open, CLIENTS, EACH))
        })
        .collect();
    let against_off = |index: usize| rounds.iter().map(|round| round[index] / round[0]).collect();
    report("throughput: limits in the process / off", against_off(1));
    report("throughput: limits in Redis / off", against_off(2));
}
