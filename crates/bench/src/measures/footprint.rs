//! Memory, idle processor time, and the time to start.

use std::{
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use anyhow::ensure;
use port_checker_testbed::{
    http::{connect, get, metric, try_connect},
    namespace::Namespace,
    process::{Running, Service, free_address, wait_until},
    skip,
};

use crate::{
    load::{ask, ask_on, body},
    service::{self, UNLIMITED, at, forget_peak, peak, processor_ticks, resident},
    table::{Goal, Table},
};

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * KIB;

/// How long a service is left alone before its memory is read.
const SETTLED: Duration = Duration::from_millis(500);

/// From starting the program to the first answer of `/health`.
pub(crate) fn start(table: &mut Table) {
    const NAME: &str = "exec to the first answer of /health";
    /// Between two attempts to connect.
    const LOOK_AGAIN: Duration = Duration::from_micros(200);
    if !table.wants(&[NAME]) {
        return;
    }
    let time = |_| {
        let address = free_address();
        let mut command = at(address);
        let began = Instant::now();
        let _service = Running::launch(&mut command);
        while try_connect(address).is_err() {
            sleep(LOOK_AGAIN);
        }
        assert_eq!(get(address, "/health").status, 200);
        began.elapsed().as_secs_f64() * 1e3
    };
    let times = (0..table.rounds).map(time).collect();
    table.add(NAME, "ms", Goal::AtMost(30.0), times);
}

/// A service that nobody asks.
pub(crate) fn idle(table: &mut Table) {
    const MEMORY: &str = "resident memory, idle";
    const PROCESSOR: &str = "processor time, idle over 10 s";
    const WATCHED: Duration = Duration::from_secs(10);
    if !table.wants(&[MEMORY, PROCESSOR]) {
        return;
    }
    let services: Vec<_> = (0..table.rounds).map(|_| service::start(&UNLIMITED)).collect();
    sleep(SETTLED);
    let before: Vec<f64> = services.iter().map(processor_ticks).collect();
    sleep(WATCHED);
    let used =
        services.iter().zip(before).map(|(service, before)| processor_ticks(service) - before);
    // A tick is a hundredth of a second, so that ticks in 10 s are tenths of a percent.
    let percent = used.map(|ticks| ticks / WATCHED.as_secs_f64()).collect();
    table.add(
        MEMORY,
        "MiB",
        Goal::AtMost(10.0),
        services.iter().map(|s| resident(s) / MIB).collect(),
    );
    table.add(PROCESSOR, "%", Goal::AtMost(0.1), percent);
}

/// Ten thousand ports that never answer, in flight at once.
pub(crate) fn silent_ports(table: &mut Table) -> anyhow::Result<()> {
    const EACH: &str = "10,000 probes that never answer, each";
    const AFTER: &str = "memory after them / before";
    const PROBES: u16 = 10_000;
    /// The largest share of one check is seven eighths of this.
    const SOCKETS: &str = "12000";
    const DESCRIPTORS: u64 = 12_100;
    if !table.wants(&[EACH, AFTER]) {
        return Ok(());
    }
    if !skip::is_root() || rlimit::Resource::NOFILE.get_hard()? < DESCRIPTORS {
        skip::say("root and 12,100 descriptors, for 10,000 probes in flight");
        return Ok(());
    }
    let namespace = Namespace::new();
    namespace.firewall(
        "table inet silence { chain input { type filter hook input priority 0; \
         tcp dport 20001-30000 drop; }; }",
    );
    let silent: Vec<u16> = (20_001..=20_000 + PROBES).collect();
    let settings = [UNLIMITED[0], UNLIMITED[1], ("PORT_CHECK_MAX_IN_FLIGHT", SOCKETS)];
    let (mut each, mut after) = (Vec::new(), Vec::new());
    for _ in 0..table.rounds.min(3) {
        let service = namespace.within(|| settled(&settings));
        let idle = resident(&service);
        let client = namespace.within(|| connect(service.address));
        let in_flight = scope(|scope| -> anyhow::Result<f64> {
            let asking = scope.spawn(|| ask_on(client, &body(&silent)));
            let all = f64::from(PROBES);
            wait_until("all are in flight", || {
                namespace.within(|| metric(service.address, "port_checker_probes_in_flight "))
                    >= all
            });
            let in_flight = resident(&service);
            let (answer, _) = asking.join().expect("an answer");
            let timed_out = String::from_utf8_lossy(&answer.body).matches("timed out").count();
            ensure!(timed_out == silent.len(), "{timed_out} of them timed out");
            Ok(in_flight)
        })?;
        each.push((in_flight - idle) / f64::from(PROBES) / KIB);
        sleep(SETTLED);
        after.push(resident(&service) / idle);
    }
    table.add(EACH, "KiB", Goal::AtMost(1.5), each);
    table.add(AFTER, "", Goal::AtMost(1.5), after);
    Ok(())
}

/// One request for every port there is.
pub(crate) fn all_ports(table: &mut Table) {
    const NAME: &str = "request for 65,535 ports, peak above idle";
    if !table.wants(&[NAME]) {
        return;
    }
    let all: Vec<u16> = (1..=u16::MAX).collect();
    let above = |_| {
        let service = settled(&UNLIMITED);
        let idle = resident(&service);
        forget_peak(&service);
        ask(service.address, &body(&all));
        (peak(&service) - idle) / MIB
    };
    let samples = (0..table.rounds.min(3)).map(above).collect();
    table.add(NAME, "MiB", Goal::AtMost(16.0), samples);
}

/// A service that has settled.
fn settled(settings: &[(&str, &str)]) -> Service {
    let service = service::start(settings);
    sleep(SETTLED);
    service
}
