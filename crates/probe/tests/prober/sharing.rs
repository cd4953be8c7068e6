//! Who gets the sockets.

use std::{net::IpAddr, time::Duration};

use port_checker_probe::{Budget, Probe, ProbeSettings, Prober, Reason, Verdict};
use port_checker_testbed::ports::{Held, Listening, Silent};

use super::{LONG, V4, all_sockets_are_closed, check, findings, prober, settings, target};

#[tokio::test]
async fn the_budget_is_kept_and_given_back() {
    let silent: Vec<Silent> = (0..9).map(|_| Silent::on(V4)).collect();
    let prober = prober(1, 2);
    let target = target(V4, silent.iter().map(Held::port).collect());
    let mut check = check(&prober, target, LONG).await;
    let mut judged = 0;
    while let Some(finding) = check.next().await {
        assert_eq!(finding.unwrap().verdict, Verdict::NotOpen(Reason::TimedOut));
        assert!(prober.budget().in_flight() <= 2, "{}", prober.budget().in_flight());
        judged += 1;
    }
    assert_eq!((judged, prober.budget().in_flight()), (9, 0));
}

#[tokio::test]
async fn no_check_holds_all_sockets() {
    let silent: Vec<Silent> = (0..8).map(|_| Silent::on(V4)).collect();
    let listening = Listening::on(V4);
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(8));
    let slow = target(V4, silent.iter().map(Held::port).collect());
    let mut slow = check(&prober, slow, LONG).await;
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, slow.next()).await.is_err(), "nothing answers");
    assert_eq!(prober.budget().in_flight(), 6, "four fifths");
    let quick = check(&prober, target(V4, vec![listening.port()]), LONG).await;
    assert_eq!(findings(quick).await[0].verdict, Verdict::Open);
}

#[tokio::test]
async fn a_check_that_could_not_end_in_time_does_not_fit_while_others_hold_the_sockets() {
    let silent: Vec<Silent> = (0..8).map(|_| Silent::on(V4)).collect();
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(8));
    let second = Duration::from_secs(1);
    let fits = |ports, time_left| prober.budget().fits(V4, ports, second, time_left).is_ok();
    assert!(fits(1000, second), "an idle checker cannot know which ports answer");
    let mut slow = check(&prober, target(V4, silent.iter().map(Held::port).collect()), LONG).await;
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, slow.next()).await.is_err(), "nothing answers");
    assert!(!fits(7, 2 * second), "three rounds of three do not fit into two seconds");
    assert!(fits(7, 3 * second), "but into three");
    assert!(fits(1, second), "one port needs one round");
    assert!(fits(1, second / 2), "and may answer before that ends");
    assert!(fits(3, second / 2), "whose attempts overlap");
}

/// Three who begin together leave one socket of 125 until their first attempts end.
#[tokio::test]
async fn a_check_that_fits_into_the_future_share_is_not_refused_for_earlier_callers() {
    let silent: Vec<Silent> = (0..120).map(|_| Silent::on(V4)).collect();
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(125));
    let budget = prober.budget();
    let ports: Vec<_> = silent.iter().map(Held::port).collect();
    let mut first = Vec::new();
    for (host, held) in [(1, 100), (2, 120), (3, 124)] {
        let admission = budget.admit_now([192, 0, 2, host].into(), 120).expect("a socket");
        first.push(prober.check(
            admission,
            target(V4, ports.clone()),
            Probe::Tcp { challenge: None },
            LONG,
        ));
        let all = async {
            while budget.in_flight() < held {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, all)
            .await
            .expect("four fifths of the sockets that the others leave");
    }
    let second = Duration::from_secs(1);
    let fits = |ports, time_left| budget.fits([192, 0, 2, 4].into(), ports, second, time_left);
    fits(28, second).expect("a quarter of the sockets that four callers may hold, less a fifth");
    fits(29, second).expect_err("two rounds do not fit into one second");
    fits(60, 2 * second).expect_err("three rounds do not fit into two seconds");
    fits(60, 3 * second).expect("but into three");
}

/// What the caller holds already counts as its own, and is shared with the check under way.
#[tokio::test]
async fn a_further_check_of_a_caller_is_due_half_of_what_others_leave() {
    let silent: Vec<Silent> = (0..120).map(|_| Silent::on(V4)).collect();
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(125));
    let (budget, other) = (prober.budget(), IpAddr::from([192, 0, 2, 1]));
    let _other = budget.admit_now(other, 1).expect("a socket");
    let _large = check(&prober, target(V4, silent.iter().map(Held::port).collect()), LONG).await;
    let all = async {
        while budget.in_flight() < 1 + 99 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, all).await.expect("four fifths of 124");
    let second = Duration::from_secs(1);
    let fits = |ports| budget.fits(V4, ports, second, second);
    fits(49).expect("four fifths of 124, shared by two checks");
    fits(50).expect_err("two rounds do not fit into one second");
}

#[tokio::test]
async fn a_check_for_whose_ports_there_are_sockets_always_fits() {
    let budget = Budget::new(8);
    let _held: Vec<_> = (0..4).map(|_| budget.admit_now(V4, 1).expect("a socket")).collect();
    let second = Duration::from_secs(1);
    budget.fits(V4, 4, second, second).expect("four are free");
    budget.fits(V4, 5, second, second).expect_err("a fifth of four fifths of eight is one");
}

#[tokio::test]
async fn a_check_without_a_socket_is_turned_away_when_its_patience_ends() {
    let silent: Vec<Silent> = (0..2).map(|_| Silent::on(V4)).collect();
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(1));
    let mut slow = check(&prober, target(V4, vec![silent[0].port()]), LONG).await;
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, slow.next()).await.is_err(), "nothing answers");
    assert!(prober.budget().admit_now(V4, 1).is_none());
    let turned_away = prober.budget().admit(V4, soon).await.unwrap_err();
    assert_eq!((turned_away.in_flight, turned_away.limit, turned_away.waiting), (1, 1, 0));
    assert!(prober.budget().admit_now(V4, 0).is_some(), "no port needs no socket");
    drop(slow);
    all_sockets_are_closed(&prober).await;
    assert!(prober.budget().admit_now(V4, 1).is_some(), "free again");
}

#[tokio::test]
async fn sockets_are_shared_by_caller_first_and_then_by_check() {
    let silent: Vec<Silent> = (0..60).map(|_| Silent::on(V4)).collect();
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(100));
    let callers: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
    let ports: Vec<_> = silent.iter().map(Held::port).collect();
    let begin = |caller, ports: &[_]| {
        let admission = prober.budget().admit_now(caller, ports.len()).expect("a socket");
        prober.check(admission, target(V4, ports.to_vec()), Probe::Tcp { challenge: None }, LONG)
    };
    let _greedy = [0; 3].map(|_| begin(callers[0], &ports));
    tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await.ok();
    let held = prober.budget().in_flight();
    assert!((60..=81).contains(&held), "three checks of one caller hold four fifths: {held}");
    let _modest = begin(callers[1], &ports[..10]);
    tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await.ok();
    assert_eq!(prober.budget().in_flight(), held + 10, "the ten ports of another caller");
}

#[tokio::test]
async fn the_budget_tells_how_it_stands() {
    let budget = Budget::new(10);
    assert_eq!((budget.limit(), budget.largest_share()), (10, 8));
    assert_eq!((budget.in_flight(), budget.waiting()), (0, 0));
    let _held: Vec<_> = (0..10_u8)
        .map(|caller| budget.admit_now([192, 0, 2, caller].into(), 1).expect("a socket"))
        .collect();
    let mut waits = std::pin::pin!(budget.admit(V4, LONG));
    let soon = Duration::from_millis(20);
    assert!(tokio::time::timeout(soon, &mut waits).await.is_err(), "there is none");
    assert_eq!((budget.in_flight(), budget.waiting()), (10, 1));
    let least = Budget::new(0);
    assert_eq!((least.limit(), least.largest_share()), (1, 1), "no service without a socket");
}

#[tokio::test]
async fn a_subscriber_of_ipv6_is_one_caller() {
    let budget = Budget::new(34);
    let address = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
    let admitted: Vec<_> = (0..40).map_while(|host| budget.admit_now(address(host), 1)).collect();
    assert_eq!(admitted.len(), 32, "one /64 has no more than one address");
}

#[tokio::test]
async fn many_small_checks_of_one_caller_leave_a_socket_for_others() {
    let prober = Prober::new(settings(1), Budget::new(34));
    let callers: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
    let budget = prober.budget();
    let mut admitted: Vec<_> = (0..40).map_while(|_| budget.admit_now(callers[0], 1)).collect();
    assert_eq!(admitted.len(), 32, "all but a seventeenth");
    admitted.pop();
    admitted.extend((0..40).map_while(|_| budget.admit_now(callers[0], 1)));
    assert_eq!(admitted.len(), 32, "the others are still counted when one has left");
    let soon = Duration::from_millis(50);
    assert!(budget.admit(callers[0], soon).await.is_err(), "not even by waiting");
    assert!(budget.admit_now(callers[1], 1).is_some(), "another caller need not wait");
    drop(admitted);
    assert!(budget.admit(callers[0], soon).await.is_ok(), "they were given back");
}

#[tokio::test]
async fn a_worker_that_lacks_a_socket_takes_one_that_others_give_back() {
    let silent: Vec<Silent> = (0..3).map(|_| Silent::on(V4)).collect();
    let listening = Listening::on(V4);
    let settings = ProbeSettings { timeout: LONG, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(4));
    let ports = silent.iter().map(Held::port).chain([listening.port()]).collect::<Vec<_>>();
    let others = check(&prober, target(V4, ports[..3].to_vec()), LONG).await;
    tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await.ok();
    // It gets the last socket, holds it for a minute, and lacks one for the second port.
    let mut lacking = check(&prober, target(V4, ports[2..].to_vec()), LONG).await;
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, lacking.next()).await.is_err(), "no socket is free");
    drop(others);
    let found = lacking.next().await.expect("two ports").expect("no fault");
    assert_eq!((found.port, found.verdict), (listening.port(), Verdict::Open));
}
