//! The log at a stranger's rate: the attack as it was, and what is written of it.

use std::{io::Write, net::SocketAddr, thread, time::Instant};

use port_checker_testbed::{
    http::{JSON, check_ports, connect, read_answer},
    ports::{Held, LOOPBACK, Listening},
    process::Service,
};

use super::QUICK;
use crate::program::port_checker;

/// Connections that attack at once.
const ATTACKERS: usize = 4;

/// A line may have this many bytes: everything of a stranger's in it is bounded.
const MAX_LINE_BYTES: usize = 1000;

/// Sends requests one behind the other and reads the answers.
fn requests(server: SocketAddr, count: usize, method: &str) {
    let request = format!("{method} /no/such/route HTTP/1.1\r\nHost: test\r\n\r\n");
    let mut client = connect(server);
    for _ in 0..count {
        client.write_all(request.as_bytes()).expect("the server reads");
        assert_eq!(read_answer(&mut client).status, 404);
    }
}

/// Begins requests whose bodies never come.
fn abandoned(server: SocketAddr, count: usize) {
    let head = format!(
        "POST /check-ports HTTP/1.1\r\nHost: test\r\n{JSON}Content-Length: 9\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    for _ in 0..count {
        let mut client = connect(server);
        client.write_all(head.as_bytes()).expect("the server reads");
        client.peek(&mut [0]).expect("the server asks for the body");
    }
}

/// The lines of a service that was attacked: those written, and how many more there would be.
fn attack(by: impl Fn(SocketAddr) + Sync) -> (Vec<String>, u64) {
    let service = Service::start(&mut port_checker(&["serve"], &QUICK));
    let address = service.address;
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..ATTACKERS {
            scope.spawn(|| by(address));
        }
    });
    let open = Listening::on(LOOPBACK);
    check_ports(address, &format!(r#"{{"ports":[{}]}}"#, open.port()));
    let seconds = usize::try_from(begun.elapsed().as_secs()).expect("a test does not take ages");
    let (_, lines) = service.finish();
    let bytes: usize = lines.iter().map(String::len).sum();
    assert!(lines.iter().any(|line| line.contains("checked")), "the honest check: {lines:#?}");
    // 50 at once, one a second, a report every ten seconds; the check, and the end of the service.
    let most = 50 + seconds + 1 + seconds / 10 + 1 + 4;
    assert!(lines.len() <= most, "{} lines in {seconds} seconds", lines.len());
    assert!(bytes <= most * MAX_LINE_BYTES, "{bytes} bytes");
    let reports = lines.iter().filter(|line| line.contains("more lines were not written"));
    let withheld = reports.map(|line| {
        assert!(line.contains("caller=127.0.0.1"), "{line}");
        let count = line.split("lines=").nth(1).expect("how many");
        count.split(' ').next().expect("how many").parse::<u64>().expect("a number")
    });
    (lines.clone(), withheld.sum())
}

fn count(lines: &[String], text: &str) -> u64 {
    lines.iter().filter(|line| line.contains(text)).count() as u64
}

/// Without budgets they wrote 20003 lines, 4.1 MB, in two seconds.
#[test]
fn requests_for_nothing_do_not_fill_the_log() {
    let (lines, withheld) = attack(|server| requests(server, 5_000, "GET"));
    assert_eq!(count(&lines, "rejected") + withheld, 20_000, "each is counted");
}

/// Without budgets and bounds they wrote 2003 lines, 32.2 MB, in less than a second.
#[test]
fn methods_of_sixteen_thousand_characters_do_not_fill_the_log() {
    let method = "M".repeat(15_900);
    let (lines, withheld) = attack(|server| requests(server, 500, &method));
    assert_eq!(count(&lines, "rejected") + withheld, 2_000, "each is counted");
}

/// Without budgets they wrote 8003 lines, 1.9 MB, in less than two seconds.
#[test]
fn abandoned_requests_do_not_fill_the_log() {
    let (lines, withheld) = attack(|server| abandoned(server, 2_000));
    assert!(count(&lines, "abandoned") <= 60, "{lines:#?}");
    assert!(withheld >= 7_900, "{withheld} of 8,000");
}

/// As from a botnet. A trusted proxy says who they are, so that one machine can play all of them.
#[test]
fn many_callers_together_do_not_fill_the_log() {
    const CALLERS: usize = 10_000;
    let proxy = [("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1")];
    let mut command = port_checker(&["serve"], &[QUICK.as_slice(), &proxy].concat());
    let service = Service::start(&mut command);
    let begun = Instant::now();
    let mut client = connect(service.address);
    for caller in 0..CALLERS {
        let request = format!(
            "GET /no/such/route HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 2001:db8:{caller:x}::1\r\n\r\n"
        );
        client.write_all(request.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut client).status, 404);
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let (_, lines) = service.finish();
    // 500 at once, 50 a second, reports of 11 lines every ten seconds, and the end of the service.
    let most = 500 + 50 * (seconds + 1) + 11 * (seconds / 10 + 1) + 4;
    assert!(lines.len() <= most, "{} lines in {seconds} seconds", lines.len());
    assert!(count(&lines, ", of other callers") >= 1, "{lines:#?}");
}
