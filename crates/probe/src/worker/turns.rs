//! A worker lets other tasks have the processor, however fast answers come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use port_checker_api::{Port, Reason};
use tokio::{sync::mpsc, task::yield_now};

use super::{
    MAX_BATCH, Worker,
    simulation::{Fate, Simulated},
};
use crate::{Budget, Policy, ProbeSettings, port_queue::PortQueue};

/// Answers come one by one, each before the worker waits for it.
#[tokio::test]
async fn others_have_the_processor_while_answers_keep_coming() {
    const PORTS: usize = 2048;
    /// Once for each batch that is begun, and at least once in 128 rounds, which is the runtime's measure.
    const TURNS: usize = PORTS / MAX_BATCH + PORTS / 128;
    let answer = |index| vec![Fate::Answer(Duration::from_millis(index), Reason::Refused)];
    let fates = (1..=PORTS as u64).map(answer).collect();
    let timeout = Duration::from_secs(60);
    let network = Simulated::new(fates, timeout, vec![Duration::ZERO]);
    let deadline = network.clock + 2 * timeout;
    let policy = Policy { allow_local: true, ..Policy::default() };
    let ports = (1..=PORTS).map(|port| Port::new(port as u16).expect("not 0")).collect();
    let us = [127, 0, 0, 1].into();
    let target = Arc::new(policy.vet(us, us, ports).expect("it is admitted"));
    let budget = Budget::new(2 * PORTS);
    let admission = budget.admit_now(us, 0).expect("no port needs no socket");
    let settings = ProbeSettings {
        attempts: 1.try_into().expect("not 0"),
        timeout,
        ..ProbeSettings::default()
    };
    let ports = PortQueue::new(target, settings, admission.slot);
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    let (sender, mut found) = mpsc::unbounded_channel();
    tokio::spawn(Worker::new(ports, network, None, deadline).run(sender)).await.expect("no panic");
    other.abort();
    let mut judged = 0;
    while let Some(found) = found.recv().await {
        judged += found.expect("no fault").len();
    }
    assert_eq!(judged, PORTS);
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= TURNS, "{turns} of {TURNS}");
}
