//! The service under load, and what it is asked about.

use std::{
    net::SocketAddr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{
    http::{connect, exchange},
    ports::{Held, LOOPBACK, Listening},
    process::Service,
};

pub(crate) const UNLIMITED: &str = "0";
/// More than any round asks for: the limits are computed and never refuse.
pub(crate) const GENEROUS: &str = "1000000";

pub(crate) fn service(per_minute: &str, redis_url: &str) -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_port-checker"));
    command
        .arg("serve")
        .env("PORT_CHECKER_HOST", "127.0.0.1")
        .env("PORT_CHECKER_PORT", "0")
        .env("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")
        .env("PORT_CHECK_MAX_PORTS", "65535")
        .env("PORT_CHECK_RETRIES", "1")
        .env("PORT_CHECKER_RATE_PER_MINUTE", per_minute)
        .env("PORT_CHECKER_RATE_BURST", GENEROUS)
        .env("PORT_CHECKER_TARGET_RATE_PER_MINUTE", per_minute)
        .env("PORT_CHECKER_TARGET_RATE_BURST", GENEROUS)
        .env("PORT_CHECKER_REDIS_URL", redis_url);
    Service::start(&mut command)
}

/// The body of a check of a port whose connections are taken and closed.
pub(crate) fn accepting() -> String {
    let open = Listening::on(LOOPBACK);
    let body = format!(r#"{{"ports":[{}]}}"#, open.port());
    thread::spawn(move || open.listener.incoming().for_each(drop));
    body
}

/// The median of `asked` checks, one after another.
pub(crate) fn latency(client: &mut std::net::TcpStream, body: &str, asked: usize) -> Duration {
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

/// Checks a second of `clients` at once, each of which asks `each` times.
pub(crate) fn throughput(server: SocketAddr, body: &str, clients: usize, each: usize) -> f64 {
    let mut clients: Vec<_> = (0..clients).map(|_| connect(server)).collect();
    let asked = clients.len() * each;
    let began = Instant::now();
    thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(move || {
                for _ in 0..each {
                    let answer = exchange(client, "", body).expect("an answer");
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
            });
        }
    });
    asked as f64 / began.elapsed().as_secs_f64()
}
