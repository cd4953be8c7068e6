//! Verifications that are stopped before they are finished: what is known by then is told.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use port_checker_client::{
    Agent, Checker, Diagnosis, Event, Notice, Outcome, Plan, Port, PortVerdict, Verification,
};
use port_checker_server::Config;
use port_checker_testbed::ports::{Held, LOOPBACK, Listening, Silent, unused};

/// How long a stopped verification may take: less than a checker waits for a silent port.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A checker that waits for a minute for a silent port, and admits so many probes at once.
async fn serve(burst: u64) -> Checker {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true".to_owned()),
        ("PORT_CHECK_TIMEOUT", "60".to_owned()),
        ("PORT_CHECK_DEADLINE", "90".to_owned()),
        ("PORT_CHECKER_RATE_PER_MINUTE", "1".to_owned()),
        ("PORT_CHECKER_RATE_BURST", burst.to_string()),
    ];
    let value = |variable: &str| {
        settings.iter().find(|(name, _)| *name == variable).map(|(_, value)| value.clone())
    };
    let files = port_checker_server::OpenFiles::of(1024);
    let config = Config::resolve(value, files).expect("the settings are good");
    tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
    Checker::builder(&url).expect("an address").max_wait(Duration::from_secs(600)).build()
}

/// Goes on until an event is there, then stops.
async fn stop_at(mut verification: Verification, is_there: impl Fn(&Event) -> bool) -> Diagnosis {
    while !is_there(&verification.next().await.expect("it goes on")) {}
    stop(verification).await
}

async fn stop(verification: Verification) -> Diagnosis {
    verification.stop();
    let began = Instant::now();
    let diagnosis = verification.finish().await;
    assert!(began.elapsed() < STOP_TIMEOUT, "{:?}", began.elapsed());
    diagnosis
}

/// The ports with their verdicts, in the order given.
fn verdicts(diagnosis: &Diagnosis) -> Vec<(Port, PortVerdict)> {
    let ports = diagnosis.families.iter().flat_map(|family| &family.ports);
    ports.map(|port| (port.facts.port, port.verdict)).collect()
}

fn plan(ports: &[Port]) -> Plan {
    Plan { addresses: vec![LOOPBACK], ..Plan::of_ports(ports.iter().copied()) }
}

fn is_open(event: &Event) -> bool {
    matches!(event, Event::Judged { accessible: true, .. })
}

#[tokio::test]
async fn ports_that_are_judged_keep_their_verdicts() {
    let agent = Agent::new([serve(100).await]);
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    let ports = [open.port(), silent.port()];
    let check = agent.check(LOOPBACK, plan(&ports)).expect("a good plan");
    let diagnosis = stop_at(check, is_open).await;
    let expected = [(ports[0], PortVerdict::Reachable), (ports[1], PortVerdict::NoVerdict)];
    assert_eq!(verdicts(&diagnosis), expected);
    assert_eq!(diagnosis.notices, [Notice::Interrupted]);
    assert_eq!(diagnosis.outcome, Outcome::NoVerdict);
    assert_eq!(diagnosis.families[0].checkers[0].failure, None, "it did nothing wrong");
}

#[tokio::test]
async fn a_machines_own_ports_too_and_its_listeners_are_closed() {
    let agent = Agent::new([serve(100).await]);
    let (free, silent) = (unused(1)[0], Silent::on(LOOPBACK));
    let ports = [free, silent.port()];
    let verification = agent.verify(plan(&ports)).expect("a good plan");
    let diagnosis = stop_at(verification, is_open).await;
    let expected = [(free, PortVerdict::Proven), (ports[1], PortVerdict::NoVerdict)];
    assert_eq!(verdicts(&diagnosis), expected, "{diagnosis:#?}");
    assert_eq!(diagnosis.notices, [Notice::LoopbackOnly, Notice::Interrupted]);
    TcpListener::bind((LOOPBACK, free.get())).expect("it is free again");
}

#[tokio::test]
async fn batches_that_were_not_begun_have_no_verdict() {
    let agent = Agent::new([serve(100).await]);
    let (silent, others) = (Silent::on(LOOPBACK), unused(5));
    let ports: Vec<_> = std::iter::once(silent.port()).chain(others).collect();
    // Four ports at once.
    let plan = Plan { descriptors: 8, ..plan(&ports) };
    let verification = agent.verify(plan).expect("a good plan");
    let diagnosis = stop_at(verification, is_open).await;
    let last = (ports[5], PortVerdict::NoVerdict);
    assert_eq!(verdicts(&diagnosis).last(), Some(&last), "{diagnosis:#?}");
    assert_eq!(verdicts(&diagnosis).len(), ports.len());
}

#[tokio::test]
async fn while_a_checker_is_busy() {
    let agent = Agent::new([serve(1).await]);
    let check = |ports: &[Port]| agent.check(LOOPBACK, plan(ports)).expect("a good plan");
    let ports = unused(2);
    check(&ports[..1]).finish().await;
    let diagnosis =
        stop_at(check(&ports[1..]), |event| matches!(event, Event::Waiting { .. })).await;
    assert_eq!(verdicts(&diagnosis), [(ports[1], PortVerdict::NoVerdict)]);
    assert_eq!(diagnosis.notices, [Notice::Interrupted]);
}

#[tokio::test]
async fn before_a_checker_has_said_from_where_it_sees_this_machine() {
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", deaf.local_addr().expect("a bound socket"));
    let agent = Agent::new([Checker::new(&url).expect("an address")]);
    let ports = unused(2);
    let verification = agent.verify(Plan::of_ports(ports.clone())).expect("a good plan");
    let diagnosis = stop(verification).await;
    assert_eq!(diagnosis.outcome, Outcome::NoVerdict);
    assert_eq!(diagnosis.notices, [Notice::Interrupted], "{diagnosis:#?}");
    assert!(verdicts(&diagnosis).iter().all(|(_, verdict)| *verdict == PortVerdict::NoVerdict));
}

#[tokio::test]
async fn a_verification_that_is_finished_stays_as_it_is() {
    let agent = Agent::new([serve(100).await]);
    let open = Listening::on(LOOPBACK);
    let mut check = agent.check(LOOPBACK, plan(&[open.port()])).expect("a good plan");
    while !matches!(check.next().await.expect("it goes on"), Event::RequestEnded { .. }) {}
    let diagnosis = stop(check).await;
    assert_eq!(diagnosis.outcome, Outcome::Accessible);
    assert_eq!(diagnosis.notices, []);
}
