//! The functions that every request goes through, each by itself.
//!
//! `cargo bench -p port-checker-server --features internals`. The limits in Redis need `redis-server`.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use port_checker_api::{CheckResponse, Port, PortResult, Reason};
use port_checker_probe::Policy;
use port_checker_server::{Config, OpenFiles, internals};
use port_checker_testbed::{process::free_address, redis};
use tokio::runtime::Runtime;

/// Ports of one request: one, as many as the Golem Network asks about, and all there are.
const SIZES: [u16; 3] = [1, 100, u16::MAX];

const CALLER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9));

fn ports(count: u16) -> Vec<Port> {
    (1..=count).filter_map(Port::new).collect()
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request decode");
    for count in SIZES {
        let ports: Vec<u16> = (1..=count).collect();
        let body = format!(r#"{{"provider_ip":"9.9.9.9","ports":{ports:?}}}"#).into_bytes();
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter(|| internals::check_request(black_box(&body), usize::from(u16::MAX)));
        });
    }
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("answer encode");
    for count in SIZES {
        let results = ports(count).into_iter();
        let results = results.map(|port| (port, PortResult::not_accessible(Reason::Refused)));
        let answer = CheckResponse::new(results.collect());
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter(|| serde_json::to_vec(black_box(&answer)));
        });
    }
}

fn policy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    let policy = Policy::default();
    for count in SIZES {
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(count.to_string(), |bencher| {
            let vet = |ports| policy.vet(black_box(TARGET), black_box(TARGET), ports);
            bencher.iter_batched(|| ports(count), vet, BatchSize::SmallInput);
        });
    }
}

fn limits(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let address = free_address();
    let _redis = redis::start(address, &[]).expect("a Redis");
    let url = format!("redis://{address}");
    let places = [("limits in the process", String::new()), ("GCRA in Redis", url)];
    for (name, url) in places {
        let settings = |variable: &str| match variable {
            "PORT_CHECKER_REDIS_URL" => url.clone(),
            // More than Criterion asks for.
            _ if variable.ends_with("RATE_PER_MINUTE") || variable.ends_with("RATE_BURST") => {
                "1000000".to_owned()
            }
            _ => String::new(),
        };
        let value_of = |variable: &str| Some(settings(variable)).filter(|value| !value.is_empty());
        let config = Config::resolve(value_of, OpenFiles::of(1024)).expect("good settings");
        let limiter = runtime.block_on(internals::RateLimiter::new(&config));
        criterion.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| limiter.admits(CALLER, TARGET, 1));
        });
    }
}

criterion_group!(hot, decode, encode, policy, limits);
criterion_main!(hot);
