//! Many clients, slow ones, and the end in the midst of them.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use port_checker_testbed::{
    http::{check_ports, connect, exchange, get, metric},
    ports::{Held, LOOPBACK, Listening},
    process::{Running, Service, wait_until},
    skip,
};

use crate::program::port_checker;

fn service() -> Service {
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
        ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
    ];
    Service::start(&mut port_checker(&["serve"], &settings))
}

fn descriptors(service: &Service) -> usize {
    fs::read_dir(format!("/proc/{}/fd", service.pid())).expect("the service runs").count()
}

/// 4,000 clients that send heads or bodies, or read answers, a few bytes at a time.
#[test]
fn slow_clients_do_not_keep_others_from_being_answered() {
    if !skip::has("slowhttptest", "-h") {
        return;
    }
    let service = service();
    let open = Listening::on(LOOPBACK);
    let body = format!(r#"{{"ports":[{}]}}"#, open.port());
    check_ports(service.address, &body);
    let before = descriptors(&service);
    let url = format!("http://{}", service.address);
    let page = format!("{url}/docs/swagger-ui-bundle.js");
    let check = format!("{url}/check-ports");
    let attacks: [(&str, &[&str]); 3] = [
        ("heads", &["-H", "-u", &page]),
        ("bodies", &["-B", "-s", "8192", "-u", &check]),
        ("reading", &["-X", "-w", "1", "-y", "2", "-n", "5", "-z", "1", "-u", &page]),
    ];
    for (what, args) in attacks {
        let mut attack = Command::new("slowhttptest");
        attack.args(["-c", "4000", "-r", "2000", "-i", "5", "-l", "60", "-p", "3"]).args(args);
        let mut attack = Running::launch(&mut attack);
        let connections = || metric(service.address, "port_checker_connections ");
        wait_until("the attack is under way", || connections() > 2_000.0);
        for _ in 0..20 {
            assert_eq!(get(service.address, "/health").status, 200, "{what}");
            assert_eq!(check_ports(service.address, &body).json()["success"], true, "{what}");
            while open.listener.set_nonblocking(true).is_ok() && open.listener.accept().is_ok() {}
        }
        assert!(attack.goes_on(), "{what}");
    }
    wait_until("every descriptor is given back", || descriptors(&service) <= before);
}

#[test]
fn ten_thousand_idle_connections() {
    let service = service();
    let wanted = 10_000;
    let room = metric(service.address, "port_checker_connections_limit ");
    if room < f64::from(wanted) + 100.0 {
        return skip::missing("an open-file limit of 20000 for ten thousand connections");
    }
    let before = metric(service.address, "process_resident_memory_bytes ");
    let idle: Vec<_> = (0..wanted).map(|_| connect(service.address)).collect();
    let connections = || metric(service.address, "port_checker_connections ");
    wait_until("all are accepted", || connections() > f64::from(wanted));
    assert_eq!(check_ports(service.address, r#"{"ports":[]}"#).status, 200);
    let after = metric(service.address, "process_resident_memory_bytes ");
    let each = (after - before) / f64::from(wanted) / 1024.0;
    println!("{wanted} idle connections take {each:.1} KiB each");
    assert!(each < 64.0, "no more than a few buffers each: {each} KiB");
    drop(idle);
    wait_until("all are gone", || connections() < 10.0);
}

/// Connections that were accepted before the signal: none is reset, and the last answer on each says
/// that it is the last.
#[test]
fn the_end_under_load_loses_no_request() {
    let service = service();
    let open = Listening::on(LOOPBACK);
    open.listener.set_nonblocking(true).unwrap();
    let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":[{}]}}"#, open.port());
    let answered = AtomicU64::new(0);
    let (address, answered, body) = (service.address, &answered, &body);
    let clients: Vec<_> = (0..200).map(|_| connect(address)).collect();
    let lost: usize = thread::scope(|scope| {
        let clients: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                scope.spawn(move || {
                    loop {
                        let Ok(answer) = exchange(&mut client, "", body) else { return 1 };
                        assert_eq!(answer.status, 200, "{answer:?}");
                        answered.fetch_add(1, Ordering::Relaxed);
                        if answer.header("connection") == Some("close") {
                            return 0;
                        }
                    }
                })
            })
            .collect();
        wait_until("there is load", || {
            while open.listener.accept().is_ok() {}
            answered.load(Ordering::Relaxed) > 2_000
        });
        service.signal("TERM");
        wait_until("every client has its last answer", || {
            while open.listener.accept().is_ok() {}
            clients.iter().all(|client| client.is_finished())
        });
        clients.into_iter().map(|client| client.join().expect("no panic")).sum()
    });
    assert_eq!(lost, 0, "of {} requests", answered.load(Ordering::Relaxed));
    assert_eq!(service.exit_status().code(), Some(0));
}
