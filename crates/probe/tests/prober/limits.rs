//! The bounds on a check: attempts, waiting checks, and the descriptors of the process.

use std::{fs::File, process::Command};

use port_checker_probe::Overloaded;
use port_checker_testbed::{
    namespace::{self, Namespace},
    skip,
};
use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

use super::*;

#[tokio::test]
async fn a_check_may_make_fewer_attempts_than_others_and_not_more() {
    let refusing = Refusing::on(V4);
    let of_three = prober(3, 10);
    for (limit, expected) in [(1, 1), (2, 2), (10, 3)] {
        let limited = of_three.limited_to(NonZeroU32::new(limit).expect("not 0"));
        let found = findings(check(&limited, target(V4, vec![refusing.port()]), LONG).await).await;
        assert_eq!(found[0].attempts, expected, "at most {limit}");
    }
}

#[test]
fn a_silent_port_takes_sockets_for_the_time_of_all_its_attempts() {
    assert_eq!(settings(3).socket_time(), Duration::from_millis(600));
    assert_eq!(settings(3).longest(), Duration::from_millis(240));
}

/// A check that came later would wait behind all of them.
#[tokio::test]
async fn no_more_checks_wait_than_may() {
    const MAX_WAITING: usize = 256;
    let budget = Budget::new(1);
    let held = budget.admit_now(V4, 1).expect("the only socket");
    let mut waiting = JoinSet::new();
    for _ in 0..MAX_WAITING {
        let budget = budget.clone();
        waiting.spawn(async move { budget.admit(V4, LONG).await.map(drop) });
    }
    let all = async {
        while budget.waiting() < MAX_WAITING {
            yield_now().await;
        }
    };
    timeout(LONG, all).await.expect("all wait");
    let began = Instant::now();
    let refused = budget.admit(V4, LONG).await.expect_err("too many wait");
    assert!(began.elapsed() < LONG / 2, "at once: {:?}", began.elapsed());
    assert_eq!(refused, Overloaded { in_flight: 1, limit: 1, waiting: MAX_WAITING });
    drop(held);
    let admitted = waiting.join_all().await;
    assert!(admitted.iter().all(Result::is_ok), "one after the other gets the socket");
    assert_eq!((budget.waiting(), budget.in_flight()), (0, 0));
}

/// A process without descriptors is not ready, and its checks are faults.
#[tokio::test]
async fn without_descriptors_nothing_is_judged() {
    if !skip::is_root() {
        return;
    }
    if !namespace::is_within() {
        // A separate process: the limit is one for all tests.
        return Namespace::new().run_test("limits::without_descriptors_nothing_is_judged");
    }
    let (listening, prober) = (Listening::on(V4), prober(1, 10));
    // Its reactor is opened by the first connection that is not decided at once.
    let silent = Silent::on(V4);
    findings(check(&prober, target(V4, vec![silent.port()]), LONG).await).await;
    prober.can_open_sockets().expect("there are descriptors");
    let process = std::process::id().to_string();
    let mut limit = Command::new("prlimit");
    assert!(limit.args(["--pid", &process, "--nofile=64"]).status().expect("prlimit").success());
    let held: Vec<_> = (0..64).map_while(|_| File::open("/dev/null").ok()).collect();
    prober.can_open_sockets().expect_err("there are none left");
    let mut check = check(&prober, target(V4, vec![listening.port()]), LONG).await;
    let fault = check.next().await.expect("one port").expect_err("it cannot be judged");
    assert_eq!(fault.kind(), FaultKind::Descriptors, "{fault}");
    drop(held);
    prober.can_open_sockets().expect("they were given back");
}
