//! Every verdict is right, and there in time, whatever the distance and however many ports.

use std::{thread, time::Duration};

use port_checker_testbed::{http::metric, skip};

use super::lab::{Lab, V4, V6, all_are_right, mixed, question, silent_and_open};

/// When the last attempt at a port that never answers is over: attempts begin at 0, 1 and 2 seconds, and
/// take five.
const JUDGED: Duration = Duration::from_secs(7);

/// How many round trips more it may take.
const ROUND_TRIPS: u32 = 3;

/// Each size has a checker with the default number of sockets for itself.
fn all_sizes_are_judged_in_time(round_trip: Duration, loss: f64) {
    let lab = Lab::new(round_trip, loss);
    let ports = mixed(1024);
    let _open = lab.open(&ports);
    let most = JUDGED + ROUND_TRIPS * round_trip;
    thread::scope(|scope| {
        for (count, host) in [(1, V4), (100, V6), (1_000, V4), (1_024, V6)] {
            let (lab, ports) = (&lab, &ports[..count]);
            scope.spawn(move || {
                let service = lab.serve(&[]);
                let (answer, took) = lab.ask(service.address, &question(host, ports));
                all_are_right(&answer, ports);
                assert!(took <= most, "{count} ports took {took:?}");
            });
        }
    });
    lab.nothing_overflowed();
}

#[test]
fn another_continent() {
    if skip::is_root() {
        all_sizes_are_judged_in_time(Duration::from_millis(100), 0.01);
    }
}

#[test]
fn a_satellite() {
    if skip::is_root() {
        all_sizes_are_judged_in_time(Duration::from_millis(1_200), 0.05);
    }
}

/// A client of the second generation asks one checker about all its ports and waits eight seconds.
#[test]
fn fifty_providers_whose_clients_wait_eight_seconds() {
    const PROVIDERS: usize = 50;
    /// A fifth of a second less than they wait: two round trips, to ask and to get the answer.
    const MOST: Duration = Duration::from_millis(7_800);
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new(Duration::from_millis(100), 0.0);
    let ports = silent_and_open(20, 100);
    let _open = lab.open(&ports);
    let service = lab.serve(&[]);
    let mut slowest = Duration::ZERO;
    thread::scope(|scope| {
        let ask = |index| {
            let host = if index % 2 == 0 { V4 } else { V6 };
            let (lab, service, ports) = (&lab, service.address, &ports);
            scope.spawn(move || {
                let (answer, took) = lab.ask(service, &question(host, ports));
                all_are_right(&answer, ports);
                took
            })
        };
        let asking: Vec<_> = (0..PROVIDERS).map(ask).collect();
        slowest = asking.into_iter().map(|one| one.join().expect("no panic")).max().expect("some");
    });
    assert!(slowest < MOST, "{slowest:?}");
    let held = lab.checker.within(|| metric(service.address, "port_checker_probes_in_flight "));
    assert!(held.abs() < f64::EPSILON, "{held} sockets are left");
    lab.nothing_overflowed();
}
