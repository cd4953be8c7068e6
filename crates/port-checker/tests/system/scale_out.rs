//! Two instances, one Redis and HAProxy, from the files in `deploy/`.

use std::{
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use port_checker_testbed::{
    http::{Answer, begin_check, check_ports, connect, exchange, get, metric},
    ports::{Held, LOOPBACK, Silent},
    process::wait_until,
};
use socket2::{Domain, Socket, Type};

use deployment::{Deployment, NAMES};
use load::{CALLERS, while_asked, while_asked_about};

mod deployment;
mod files;
mod load;

/// The callers are all on this machine.
const LOCAL: [(&str, &str); 2] =
    [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_RETRIES", "1")];

const UNLIMITED: [(&str, &str); 4] = [
    LOCAL[0],
    LOCAL[1],
    ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
];

const ANSWERED: &str = r#"port_checker_requests_total{route="/check-ports",status="200"}"#;

#[test]
fn load_is_spread_and_callers_are_known() {
    let Some(mut deployment) = Deployment::start(&UNLIMITED) else { return };
    let tally = while_asked(deployment.front, |tally| tally.wait_for(1_000));
    let all = tally.well();
    assert_eq!(tally.otherwise(), [""; 0]);
    for (index, name) in NAMES.iter().enumerate() {
        let part = deployment.metric(index, ANSWERED);
        println!("{name} answered {part} of {all}");
        assert!(part > all as f64 / 3.0, "{name} answered {part} of {all}");
    }
    let forged = "X-Forwarded-For: 8.8.8.8\r\nForwarded: for=8.8.4.4\r\n";
    for _ in NAMES {
        let answer = ask_from("127.0.0.2", deployment.front, forged);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    for instance in deployment.instances.iter_mut().flatten() {
        let line = instance.wait_for_line("caller=127.0.0.2 ");
        assert!(line.contains("target=127.0.0.2 "), "the caller's own: {line}");
    }
    assert_eq!(get(deployment.front, "/metrics").status, 404, "they are for the operator");
}

#[test]
fn limits_hold_across_the_instances() {
    const BURST: u64 = 200;
    let limits = [LOCAL[0], LOCAL[1], ("PORT_CHECKER_RATE_BURST", "200")];
    let Some(deployment) = Deployment::start(&limits) else { return };
    let (began, mut stream) = (Instant::now(), connect(deployment.front));
    let mut admitted = 0;
    for _ in 0..2 * BURST {
        let answer = exchange(&mut stream, "", r#"{"ports":[1]}"#).expect("an answer");
        assert!([200, 429].contains(&answer.status), "{answer:?}");
        admitted += u64::from(answer.status == 200);
    }
    // 600 a minute are given back.
    let allowed = BURST + began.elapsed().as_secs() * 10 + 10;
    let parts = [0, 1].map(|index| deployment.metric(index, ANSWERED));
    println!("{admitted} admitted, {parts:?} by each instance; at most {allowed} may be");
    assert!((BURST..=allowed).contains(&admitted), "{admitted} of {allowed}");
    assert!(parts.iter().all(|part| *part > BURST as f64 / 3.0), "{parts:?}");
}

#[test]
fn a_rolling_restart_under_load_loses_no_request() {
    let Some(mut deployment) = Deployment::start(&UNLIMITED) else { return };
    let tally = while_asked(deployment.front, |tally| {
        for _ in 0..3 {
            for index in [0, 1] {
                tally.wait_for(300);
                deployment.restart(index);
            }
        }
        tally.wait_for(300);
    });
    println!("{} requests during six restarts", tally.well());
    assert_eq!(tally.otherwise(), [""; 0]);
}

/// Every check takes its whole time-out, so that the instance has some under way when it is killed.
#[test]
fn a_killed_instance_costs_at_most_its_requests_under_way() {
    let settings = [UNLIMITED.as_slice(), &[("PORT_CHECK_TIMEOUT", "0.3")]].concat();
    let Some(mut deployment) = Deployment::start(&settings) else { return };
    let silent = Silent::on(LOOPBACK);
    let mut under_way = 0.0;
    let tally = while_asked_about(
        deployment.front,
        silent.port().get(),
        || (),
        |tally| {
            tally.wait_for(2 * CALLERS as u64);
            let busy = || deployment.metric(0, "port_checker_probes_in_flight ");
            wait_until("it is busy", || {
                under_way = busy();
                under_way >= CALLERS as f64 / 4.0
            });
            deployment.kill(0);
            deployment.wait_for(NAMES[0], "DOWN");
            tally.wait_for(2 * CALLERS as u64);
            deployment.start_again(0);
            tally.wait_for(2 * CALLERS as u64);
        },
    );
    let again = metric(
        deployment.haproxy_metrics,
        r#"haproxy_backend_redispatch_warnings_total{proxy="checkers"}"#,
    );
    let (well, otherwise) = (tally.well(), tally.otherwise());
    println!(
        "{well} answered, {again} asked again, {} lost, {under_way} were under way",
        otherwise.len()
    );
    assert!(again > 0.0, "it was killed amid requests");
    assert_eq!(otherwise, [""; 0], "another instance did what was not answered");
}

/// So many that the callers of a test are never limited, though they are charged.
const GENEROUS: [(&str, &str); 6] = [
    LOCAL[0],
    LOCAL[1],
    ("PORT_CHECKER_RATE_PER_MINUTE", "1000000"),
    ("PORT_CHECKER_RATE_BURST", "1000000"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "1000000"),
    ("PORT_CHECKER_TARGET_RATE_BURST", "1000000"),
];

#[test]
fn answers_go_on_without_redis() {
    let Some(mut deployment) = Deployment::start(&GENEROUS) else { return };
    let up = |deployment: &Deployment| {
        [0, 1].map(|index| deployment.metric(index, "port_checker_redis_up "))
    };
    assert_eq!(up(&deployment), [1.0, 1.0]);
    let tally = while_asked(deployment.front, |tally| {
        tally.wait_for(300);
        deployment.kill_redis();
        wait_until("both know", || up(&deployment) == [0.0, 0.0]);
        tally.wait_for(300);
        deployment.start_redis_again();
        wait_until("both share again", || up(&deployment) == [1.0, 1.0]);
        tally.wait_for(300);
    });
    assert_eq!(tally.otherwise(), [""; 0]);
}

#[test]
fn a_caller_that_hangs_up_ends_its_probes() {
    let settings = [UNLIMITED.as_slice(), &[("PORT_CHECK_TIMEOUT", "60")]].concat();
    let settings = [settings.as_slice(), &[("PORT_CHECK_DEADLINE", "600")]].concat();
    let Some(deployment) = Deployment::start(&settings) else { return };
    let silent = Silent::on(LOOPBACK);
    let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":[{}]}}"#, silent.port());
    let probes = || {
        let of = |index| deployment.metric(index, "port_checker_probes_in_flight ");
        of(0) + of(1)
    };
    let caller = begin_check(deployment.front, &body);
    wait_until("the probe is under way", || probes() == 1.0);
    drop(caller);
    wait_until("it is not any more", || probes() == 0.0);
}

/// What HAProxy says by itself has the form of what the service says.
#[test]
fn without_any_instance_callers_are_told_so() {
    let Some(mut deployment) = Deployment::start(&UNLIMITED) else { return };
    for index in [0, 1] {
        deployment.kill(index);
    }
    let answer = check_ports(deployment.front, r#"{"ports":[1]}"#);
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    NAMES.iter().for_each(|name| deployment.wait_for(name, "DOWN"));
    let answer = check_ports(deployment.front, r#"{"ports":[1]}"#);
    assert_eq!((answer.status, answer.code().as_str()), (503, "CHECK_FAILED"), "{answer:?}");
}

/// The instances cannot bound the connections of a client: to them all come from HAProxy.
#[test]
fn one_client_leaves_connections_to_the_others() {
    const EACH: usize = 1_000;
    let Some(deployment) = Deployment::start(&UNLIMITED) else { return };
    let greedy: Vec<_> = (0..EACH).map(|_| connect_from("127.0.0.2", deployment.front)).collect();
    let sessions = r#"haproxy_frontend_current_sessions{proxy="callers"}"#;
    let accepted = || metric(deployment.haproxy_metrics, sessions) >= EACH as f64;
    wait_until("they are accepted", accepted);
    let mut further = connect_from("127.0.0.2", deployment.front);
    assert!(exchange(&mut further, "", r#"{"ports":[1]}"#).is_err(), "it is closed");
    let other = ask_from("127.0.0.3", deployment.front, "");
    assert_eq!(other.status, 200, "{other:?}");
    drop(greedy);
}

/// Asks for a check of one of the caller's own ports, from a certain address.
fn ask_from(client: &str, server: SocketAddr, headers: &str) -> Answer {
    let mut stream = connect_from(client, server);
    exchange(&mut stream, headers, r#"{"ports":[1]}"#).expect("an answer")
}

#[expect(clippy::disallowed_methods, reason = "dials the HAProxy it started")]
fn connect_from(client: &str, server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from: SocketAddr = format!("{client}:0").parse().expect("an address");
    socket.bind(&from.into()).expect("loopback has many addresses");
    socket.connect(&server.into()).expect("HAProxy listens");
    socket.into()
}
