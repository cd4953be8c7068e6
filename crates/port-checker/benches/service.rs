//! Ratios of the running service against itself, from interleaved rounds of one run.
//!
//! `scripts/bench` runs it. Absolute times of a shared machine mean little; only the ratios travel.
#![expect(clippy::print_stdout, reason = "prints its table")]

use std::{
    net::SocketAddr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{
    http::{begin_check, connect, exchange, metric},
    ports::{Held, LOOPBACK, Listening, Silent},
    process::{Running, Service, free_address, wait_until},
};

const ROUNDS: usize = 7;
const UNLIMITED: &str = "0";
/// More than any round asks for: the limits are computed and never refuse.
const GENEROUS: &str = "1000000";

fn main() {
    println!("{:<58} {:>7} {:>7} {:>7}", "ratio", "median", "min", "max");
    beside_a_slow_request();
    what_limits_cost();
}

/// One open port, asked about while 1,024 ports that never answer are in flight for another.
fn beside_a_slow_request() {
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
fn what_limits_cost() {
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
        .map(|_| [&off, &memory, &shared].map(|service| throughput(service.address, &open)))
        .collect();
    let against_off = |index: usize| rounds.iter().map(|round| round[index] / round[0]).collect();
    report("throughput: limits in the process / off", against_off(1));
    report("throughput: limits in Redis / off", against_off(2));
}

fn service(per_minute: &str, redis_url: &str) -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_port-checker"));
    command
        .arg("serve")
        .env("PORT_CHECKER_HOST", "127.0.0.1")
        .env("PORT_CHECKER_PORT", "0")
        .env("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")
        .env("PORT_CHECKER_RATE_PER_MINUTE", per_minute)
        .env("PORT_CHECKER_RATE_BURST", GENEROUS)
        .env("PORT_CHECKER_TARGET_RATE_PER_MINUTE", per_minute)
        .env("PORT_CHECKER_TARGET_RATE_BURST", GENEROUS)
        .env("PORT_CHECKER_REDIS_URL", redis_url);
    Service::start(&mut command)
}

/// The body of a check of a port whose connections are taken and closed.
fn accepting() -> String {
    let open = Listening::on(LOOPBACK);
    let body = format!(r#"{{"ports":[{}]}}"#, open.port());
    thread::spawn(move || open.listener.incoming().for_each(drop));
    body
}

/// The median of `asked` checks, one after another.
fn latency(client: &mut std::net::TcpStream, body: &str, asked: usize) -> Duration {
    let mut times: Vec<Duration> = (0..asked)
        .map(|_| {
            let began = Instant::now();
            let answer = exchange(client, "", body).expect("an answer");
            assert_eq!(answer.status, 200, "{answer:?}");
            began.elapsed()
        })
        .collect();
    times.sort();
    times[asked / 2]
}

/// Checks a second of a few clients at once.
fn throughput(server: SocketAddr, body: &str) -> f64 {
    const CLIENTS: usize = 8;
    const EACH: usize = 500;
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| connect(server)).collect();
    let began = Instant::now();
    thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(move || {
                for _ in 0..EACH {
                    let answer = exchange(client, "", body).expect("an answer");
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
            });
        }
    });
    (CLIENTS * EACH) as f64 / began.elapsed().as_secs_f64()
}

fn report(what: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let (min, max) = (ratios[0], ratios[ratios.len() - 1]);
    println!("{what:<58} {:>7.2} {min:>7.2} {max:>7.2}", ratios[ratios.len() / 2]);
}
