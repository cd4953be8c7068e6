//! The whole verification, over loopback.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use port_checker_client::{
    Agent, Checker, Diagnosis, Event, Families, Family, InvalidPlan, Local, Outcome, Plan, Port,
    PortVerdict,
};
use port_checker_server::Config;
use port_checker_testbed::ports::{Held, LOOPBACK, Listening, Silent, unused};

const BOTH: [IpAddr; 2] = [Family::Ipv4.loopback(), Family::Ipv6.loopback()];

/// A running checker that admits loopback.
async fn serve(change: impl FnOnce(&mut Config)) -> Checker {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
    let mut config = Config::default();
    config.policy.allow_local = true;
    config.probe.delay = Duration::from_millis(10);
    config.probe.timeout = Duration::from_secs(2);
    config.probe.attempts = 1.try_into().expect("not zero");
    change(&mut config);
    tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
    Checker::new(&url).expect("an address")
}

fn verdicts(diagnosis: &Diagnosis) -> HashSet<PortVerdict> {
    let ports = diagnosis.families.iter().flat_map(|family| &family.ports);
    ports.map(|port| port.verdict).collect()
}

#[tokio::test]
async fn both_families_in_batches_and_parts_and_every_event() {
    let checker = serve(|config| config.max_ports = 3).await;
    let ports = unused(20);
    // Two ports of each family listen at once.
    let plan = Plan { addresses: BOTH.into(), descriptors: 8, ..Plan::of_ports(ports.clone()) };
    let mut verification = Agent::new([checker]).verify(plan).unwrap();
    let (mut judged, mut arrived) = (HashSet::new(), HashSet::new());
    let mut requested = HashSet::new();
    let diagnosis = loop {
        match verification.next().await.unwrap() {
            Event::Requested { address, ports, within, .. } => {
                assert_eq!(within, Duration::from_secs(30), "a checker's time-out by default");
                assert!(ports.iter().all(|port| requested.insert((address, *port))), "{ports:?}");
            }
            Event::RequestEnded { address, ports, .. } => {
                assert!(ports.iter().all(|port| requested.remove(&(address, *port))), "{ports:?}");
            }
            Event::Judged { address, port, accessible, .. } => {
                assert!(accessible && judged.insert((address, port)), "{port}");
                assert!(requested.contains(&(address, port)), "{port}");
            }
            Event::Arrived { port, from } => _ = arrived.insert((from, port)),
            Event::Asking { ports, .. } => assert_eq!(ports, 20),
            Event::Finished(diagnosis) => break diagnosis,
            other => panic!("{other:?}"),
        }
    };
    assert!(verification.next().await.is_none(), "that was all");
    assert!(requested.is_empty(), "every request has ended: {requested:?}");
    assert_eq!(diagnosis.outcome, Outcome::LocalOnly, "{diagnosis:?}");
    assert_eq!(verdicts(&diagnosis), HashSet::from([PortVerdict::Proven]));
    assert_eq!((judged.len(), arrived), (40, judged.clone()));
    let order: Vec<_> = diagnosis.families[0].ports.iter().map(|port| port.facts.port).collect();
    assert_eq!(order, ports, "in the order given");
}

#[tokio::test]
async fn a_checker_that_takes_few_ports_is_asked_in_parts() {
    let checker = serve(|config| config.max_ports = 3).await;
    let agent = Agent::new([checker]);
    let listening: Vec<_> = (0..10).map(|_| Listening::on(LOOPBACK)).collect();
    let plan = Plan::of_ports(listening.iter().map(Held::port));
    let diagnosis = agent.check(LOOPBACK, plan).unwrap().finish().await;
    assert_eq!(diagnosis.outcome, Outcome::Accessible, "{diagnosis:?}");
    assert_eq!(diagnosis.families[0].host, None, "it may be any machine");
}

#[tokio::test]
async fn dropping_a_verification_closes_its_listeners() {
    let checker = serve(|_| {}).await;
    let silent = Silent::on(LOOPBACK);
    let free = unused(1)[0];
    let plan = Plan { addresses: vec![LOOPBACK], ..Plan::of_ports([free, silent.port()]) };
    let mut verification = Agent::new([checker]).verify(plan).unwrap();
    loop {
        if let Event::Arrived { port, .. } = verification.next().await.unwrap() {
            assert_eq!(port, free.into());
            break;
        }
    }
    assert!(std::net::TcpListener::bind((LOOPBACK, free.get())).is_err(), "it is still held");
    drop(verification);
    std::net::TcpListener::bind((LOOPBACK, free.get())).expect("it is free again");
}

#[tokio::test]
async fn visits_of_strangers_change_nothing() {
    let checker = serve(|_| {}).await;
    let silent = Silent::on(LOOPBACK);
    let free = unused(1)[0];
    let plan = Plan { addresses: vec![LOOPBACK], ..Plan::of_ports([free, silent.port()]) };
    let mut verification = Agent::new([checker]).verify(plan).unwrap();
    let mut strangers = Vec::new();
    let diagnosis = loop {
        match verification.next().await.unwrap() {
            Event::Finished(diagnosis) => break diagnosis,
            Event::Arrived { .. } if strangers.len() < 20 => {
                let address = (LOOPBACK, free.get()).into();
                strangers.push(port_checker_testbed::http::connect(address));
            }
            _ => {}
        }
    };
    let [open, closed] = &diagnosis.families[0].ports[..] else { panic!("two ports") };
    assert_eq!(open.verdict, PortVerdict::Proven);
    assert!(matches!(closed.facts.local, Some(Local::InUse { .. })), "{closed:?}");
    assert!(open.facts.arrivals.connections > 1, "{open:?}");
}

#[tokio::test]
async fn plans_that_cannot_be_carried_out() {
    let agent = Agent::new([serve(|_| {}).await]);
    let plan = Plan { quorum: 2, ..Plan::of_ports([Port::MAX]) };
    let invalid = agent.verify(plan.clone()).unwrap_err();
    assert_eq!(invalid, InvalidPlan::Quorum { quorum: 2, checkers: 1 });
    assert_eq!(agent.check(LOOPBACK, plan).unwrap_err(), invalid);
    let nobody = Agent::new([]).verify(Plan::of_ports([Port::MAX])).unwrap_err();
    assert_eq!(nobody, InvalidPlan::NoChecker);
}

#[tokio::test]
async fn the_address_is_asked_for_over_each_family() {
    let by_address = serve(|_| {}).await;
    let by_name = Checker::new(&by_address.url().replace("127.0.0.1", "localhost")).unwrap();
    let agent = Agent::new([by_name]);
    let ports = unused(1);
    let diagnosis = agent.verify(Plan::of_ports(ports.clone())).unwrap().finish().await;
    let addresses: Vec<_> = diagnosis.families.iter().map(|family| family.address).collect();
    assert_eq!(
        addresses.iter().flatten().collect::<Vec<_>>(),
        [&LOOPBACK],
        "it listens on IPv4 only"
    );
    assert_eq!(diagnosis.outcome, Outcome::LocalOnly, "IPv6 was not asked for");
    let plan = Plan { families: Families::Both, ..Plan::of_ports(ports.clone()) };
    let diagnosis = agent.verify(plan.clone()).unwrap().finish().await;
    assert_eq!(diagnosis.outcome, Outcome::NoVerdict, "now it was");
    let agent = Agent::new([by_address]);
    let mut verification = agent.verify(Plan::of_ports(ports)).unwrap();
    let first = verification.next().await;
    assert!(matches!(first, Some(Event::AskingAddress { family: Family::Ipv4, .. })), "{first:?}");
    let second = verification.next().await;
    assert!(matches!(second, Some(Event::Asking { family: Family::Ipv4, .. })), "{second:?}");
    let diagnosis = verification.finish().await;
    let families: Vec<_> = diagnosis.families.iter().map(|family| family.family).collect();
    assert_eq!(families, [Family::Ipv4], "an IPv4 address cannot see an IPv6 one");
    let diagnosis = agent.verify(plan).unwrap().finish().await;
    let said = diagnosis.families[1].notices[0].to_string();
    assert!(
        said.contains("is an IPv4 address, and sees this machine's IPv4 address only"),
        "{said}"
    );
}
