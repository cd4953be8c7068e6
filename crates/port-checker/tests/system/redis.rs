//! Limits shared through a real Redis.

mod addresses;

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use port_checker_testbed::{
    http::{check_ports, connect, exchange, metric},
    ports::{Held, LOOPBACK, Listening},
    process::{Service, free_address, wait_until},
    redis,
};

use crate::program::port_checker;

const BURST: u64 = 500;
const PER_MINUTE: u64 = 600;

fn instance(redis_url: &str) -> Service {
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECKER_REDIS_URL", redis_url),
        ("PORT_CHECKER_RATE_PER_MINUTE", &PER_MINUTE.to_string()),
        ("PORT_CHECKER_RATE_BURST", &BURST.to_string()),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
    ];
    Service::start(&mut port_checker(&["serve"], &settings))
}

/// What a crowd of clients got.
#[derive(Default)]
struct Tally {
    admitted: AtomicU64,
    limited: AtomicU64,
    lost: AtomicU64,
}

impl Tally {
    fn count(&self, outcome: std::io::Result<u16>) {
        match outcome {
            Ok(200) => &self.admitted,
            Ok(429) => &self.limited,
            Ok(_) | Err(_) => &self.lost,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> (u64, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.admitted), read(&self.limited), read(&self.lost))
    }
}

/// Sends `requests` requests for one port each by each of `clients` clients, taking turns among
/// `servers`. Stops early when `stop` is set.
fn crowd(
    servers: &[SocketAddr],
    (clients, requests): (usize, usize),
    tally: &Tally,
    stop: &AtomicBool,
) {
    let open = Listening::on(LOOPBACK);
    let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":[{}]}}"#, open.port());
    thread::scope(|scope| {
        scope.spawn(|| {
            // Keeps the queue of the target short.
            open.listener.set_nonblocking(true).expect("a socket");
            while !stop.load(Ordering::Relaxed) {
                while open.listener.accept().is_ok() {}
                thread::yield_now();
            }
        });
        let workers: Vec<_> = (0..clients)
            .map(|client| {
                let (server, body) = (servers[client % servers.len()], &body);
                scope.spawn(move || client_loop(server, requests, body, tally, stop))
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
        stop.store(true, Ordering::Relaxed);
    });
}

fn client_loop(server: SocketAddr, requests: usize, body: &str, tally: &Tally, stop: &AtomicBool) {
    let mut stream = connect(server);
    for _ in 0..requests {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let outcome = exchange(&mut stream, "", body).map(|answer| answer.status);
        let lost = outcome.is_err();
        tally.count(outcome);
        if lost {
            return;
        }
    }
}

#[test]
fn two_instances_admit_together_as_much_as_one() {
    let address = free_address();
    let Some(_redis) = redis::start(address, &[]) else { return };
    let url = format!("redis://{address}/3");
    let (one, other) = (instance(&url), instance(&url));
    let (began, tally) = (Instant::now(), Tally::default());
    crowd(&[one.address, other.address], (64, 160), &tally, &AtomicBool::new(false));
    let (admitted, limited, lost) = tally.read();
    assert_eq!((admitted + limited, lost), (64 * 160, 0), "every request has an answer");
    let allowed = BURST + began.elapsed().as_secs() * PER_MINUTE / 60 + PER_MINUTE / 60;
    assert!((BURST..=allowed).contains(&admitted), "{admitted} of {allowed}");
    for instance in [one, other] {
        let admitted =
            r#"port_checker_limiter_decisions_total{decision="admitted",limit="caller"}"#;
        assert!(metric(instance.address, admitted) > 0.0, "both had their part");
        assert_eq!(metric(instance.address, "port_checker_redis_up "), 1.0);
    }
}

#[test]
fn an_instance_that_is_killed_and_restarted_under_load_forgets_nothing() {
    let address = free_address();
    let Some(_redis) = redis::start(address, &[]) else { return };
    let url = format!("redis://{address}");
    let (one, other) = (instance(&url), instance(&url));
    let servers = [one.address, other.address];
    let (began, tally) = (Instant::now(), Tally::default());
    thread::scope(|scope| {
        let load = scope.spawn(|| crowd(&servers, (64, 160), &tally, &AtomicBool::new(false)));
        wait_until("there is load", || tally.read().0 + tally.read().1 > 2_000);
        drop(other);
        load.join().expect("no panic");
    });
    let (_, _, lost) = tally.read();
    assert!(lost <= 32, "{lost}: each client of the killed instance loses one request");
    let other = instance(&url);
    let servers = [one.address, other.address];
    crowd(&servers, (64, 80), &tally, &AtomicBool::new(false));
    let (admitted, limited, _) = tally.read();
    assert!(admitted + limited >= 10_000, "{admitted} + {limited}");
    let allowed = BURST + began.elapsed().as_secs() * PER_MINUTE / 60 + PER_MINUTE / 60;
    // A request that was charged when its instance was killed was admitted, but not answered.
    assert!((BURST - lost..=allowed).contains(&admitted), "{admitted} of {allowed}");
}

/// A Redis that answers, but not what is wanted of it.
#[test]
fn redis_that_is_full_is_gone_and_a_spoilt_key_is_not() {
    let address = free_address();
    let Some(_redis) = redis::start(address, &["--maxmemory", "3mb"]) else { return };
    let service = instance(&format!("redis://{address}"));
    let up = || metric(service.address, "port_checker_redis_up ");
    let ask = || check_ports(service.address, r#"{"provider_ip":"127.0.0.1","ports":[1]}"#).status;
    command(address, "DEL port-checker:v1:caller:127.0.0.1");
    command(address, "LPUSH port-checker:v1:caller:127.0.0.1 spoilt");
    assert_eq!((ask(), up()), (200, 1.0), "a key of another type counts as unused");
    command(address, "SET port-checker:v1:caller:127.0.0.1 nan");
    assert_eq!((ask(), up()), (200, 1.0), "so does a value that is no time");
    command(address, "CONFIG SET maxmemory 1");
    for _ in 0..200 {
        assert_eq!(ask(), 200);
    }
    assert_eq!(up(), 0.0);
    command(address, "CONFIG SET maxmemory 0");
    wait_until("limits are shared again", || up() == 1.0);
    let (_, log) = service.finish();
    for said in ["Redis does not answer", "Redis answers again"] {
        assert_eq!(log.iter().filter(|line| line.contains(said)).count(), 1, "{said} once");
    }
}

#[test]
fn a_redis_that_hangs_is_waited_for_once() {
    let address = free_address();
    let Some(redis) = redis::start(address, &[]) else { return };
    let service = instance(&format!("redis://{address}"));
    let up = || metric(service.address, "port_checker_redis_up ") == 1.0;
    wait_until("limits are shared", up);
    redis.signal("STOP");
    for _ in 0..200 {
        let answer = check_ports(service.address, r#"{"provider_ip":"127.0.0.1","ports":[1]}"#);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(metric(service.address, "port_checker_redis_errors_total "), 1.0, "one waited");
    redis.signal("CONT");
    wait_until("limits are shared again", up);
}

#[test]
fn redis_may_go_and_come_back_under_load() {
    let address = free_address();
    let Some(first) = redis::start(address, &[]) else { return };
    let service = instance(&format!("redis://{address}"));
    let (tally, stop) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
    let load = thread::spawn({
        let (server, tally, stop) = (service.address, Arc::clone(&tally), Arc::clone(&stop));
        move || crowd(&[server], (32, 100_000), &tally, &stop)
    });
    let up = || metric(service.address, "port_checker_redis_up ");
    let answers = || tally.read().0 + tally.read().1;
    wait_until("there is load", || answers() > 1_000);
    assert_eq!(up(), 1.0);
    first.signal("KILL");
    drop(first);
    wait_until("the loss is seen", || up() == 0.0);
    let then = answers();
    wait_until("limits go on in the process", || answers() > then + 1_000);
    let _second = redis::start(address, &[]).expect("there was one before");
    let back = Instant::now();
    wait_until("limits are shared again", || up() == 1.0);
    assert!(back.elapsed().as_secs() < 5, "{:?}", back.elapsed());
    wait_until("Redis has keys", || dbsize(address) > 0);
    stop.store(true, Ordering::Relaxed);
    load.join().unwrap();
    let (admitted, _, lost) = tally.read();
    assert_eq!(lost, 0, "not one answer fails because of it");
    assert!(admitted >= 2 * BURST, "the process and both Redis each gave their own: {admitted}");
    let (_, log) = service.finish();
    let warnings = log.iter().filter(|line| line.contains("Redis does not answer")).count();
    assert_eq!(warnings, 1, "said once");
}

#[test]
fn a_service_starts_without_redis() {
    let nobody = free_address();
    let mut service = instance(&format!("redis://{nobody}"));
    let answer = check_ports(service.address, r#"{"provider_ip":"127.0.0.1","ports":[1]}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("ratelimit").is_some(), "limits hold all the same");
    service.wait_for_line("checked");
    let Some(_redis) = redis::start(nobody, &[]) else { return };
    service.wait_for_line("Redis answers again");
}

/// How many keys a Redis has.
fn dbsize(address: SocketAddr) -> u64 {
    command(address, "DBSIZE").trim_start_matches(':').trim().parse().expect("a number")
}

/// Sends a command; returns the beginning of the answer as it comes.
pub(crate) fn command(address: SocketAddr, command: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(format!("{command}\r\n").as_bytes()).expect("Redis reads");
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).expect("Redis answers");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
