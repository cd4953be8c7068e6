//! The service against what else there is: the Python service, the kernel alone, nmap.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use port_checker_testbed::{
    http::{connect, read_answer},
    ports::unused,
    process::Running,
    skip,
};

use crate::{
    ROUNDS,
    load::{UNLIMITED, accepting, service, throughput},
    report,
};

/// Single-port checks a second at 32 connections.
pub(crate) fn the_python_service() {
    const CLIENTS: usize = 32;
    let Some((_python, python)) = Running::python_service() else { return };
    let (open, ours) = (accepting(), service(UNLIMITED, ""));
    let body = format!(r#"{{"provider_ip":"127.0.0.1",{}"#, open.trim_start_matches('{'));
    let ratios = (0..ROUNDS).map(|_| {
        let ours = throughput(ours.address, &body, CLIENTS, 200);
        ours / throughput(python, &body, CLIENTS, 20)
    });
    report("single open port: checks/s, ours / Python service", ratios.collect());
}

/// Ports a second in requests of a hundred, beside a program that does nothing but connect.
pub(crate) fn the_kernel() {
    const CLIENTS: usize = 8;
    const EACH: usize = 40;
    let ports: Vec<u16> = unused(100).into_iter().map(u16::from).collect();
    for &port in &ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        thread::spawn(move || listener.incoming().for_each(drop));
    }
    let body = format!(r#"{{"ports":{ports:?}}}"#);
    let ours = service(UNLIMITED, "");
    let ratios = (0..ROUNDS).map(|_| {
        let ours = throughput(ours.address, &body, CLIENTS, EACH) * ports.len() as f64;
        ours / floor(&ports, CLIENTS * EACH * ports.len())
    });
    report("a hundred open ports: ports/s, ours / kernel, two threads", ratios.collect());
}

/// Connections a second of two threads that do nothing else.
#[expect(clippy::disallowed_methods, reason = "dials the listeners made above")]
fn floor(ports: &[u16], connections: usize) -> f64 {
    let next = AtomicUsize::new(0);
    let connect = || loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= connections {
            return;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports[index % ports.len()]));
        TcpStream::connect(address).expect("it listens");
    };
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(connect);
        }
    });
    connections as f64 / began.elapsed().as_secs_f64()
}

/// Every port of loopback, nearly all of them closed.
pub(crate) fn nmap() {
    if Command::new("nmap").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip::say("nmap, to compare with it");
    }
    let ours = service(UNLIMITED, "");
    let ports: Vec<u16> = (1..=u16::MAX).collect();
    let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":{ports:?}}}"#);
    let head = format!(
        "POST /check-ports HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let ratios = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        let mut client = connect(ours.address);
        client.write_all((head.clone() + &body).as_bytes()).expect("the service reads");
        assert_eq!(read_answer(&mut client).status, 200);
        let ours = began.elapsed();
        let began = Instant::now();
        let scan = ["-sT", "-p-", "-T5", "-n", "-Pn", "--max-retries", "0", "127.0.0.1"];
        let done = Command::new("nmap").args(scan).stdout(Stdio::null()).status();
        assert!(done.is_ok_and(|status| status.success()), "nmap scans");
        ours.as_secs_f64() / began.elapsed().as_secs_f64()
    });
    report("65,535 ports, nearly all closed: time, ours / nmap", ratios.collect());
}
