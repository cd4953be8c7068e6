//! UDP beside TCP: the same ports of the same host, over the same line, in turns.

use std::{
    net::{Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
    thread::scope,
    time::{Duration, Instant},
};

use anyhow::ensure;
use port_checker_testbed::{
    datagrams::Answering,
    http::{connect, exchange},
    namespace::Namespace,
    process::Service,
    skip,
};
use serde_json::{Value, json};

use super::lab::{HOST, Lab, Ports};
use crate::{
    comparison::{Comparison, Measurement},
    service::{TICK_US, processor_ticks},
    table::{Goal, Table},
};

/// All of them are open, over TCP and over UDP.
const PORTS: RangeInclusive<u16> = 20_001..=21_000;

/// Callers at once, and the requests of each, each for all ports.
const CALLERS: usize = 4;
const REQUESTS: usize = 5;

/// Ports behind which one program answers: the kernel's buffer holds a datagram of each caller to each of them.
const PORTS_PER_PROGRAM: u16 = 50;

const CHALLENGE: &str = "correct horse battery staple";

const ROUND_TRIP_MS: u64 = 100;

pub(crate) fn beside_tcp(table: &mut Table, comparison: &mut Comparison) -> anyhow::Result<()> {
    const RATE: &str = "long line, 1,000 open ports: ports/s, UDP / TCP";
    const COST: &str = "long line, 1,000 open ports: processor time, UDP / TCP";
    if !table.wants(&[RATE, COST]) || !skip::is_root() {
        return Ok(());
    }
    let ports = Ports::mostly_closed(PORTS, 1);
    let lab = Lab::new(ROUND_TRIP_MS, 0.0, &ports);
    let _programs = programs(&lab.host);
    let service = lab.serve(&[("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1")]);
    let [tcp, udp] = [json!({}), json!({"transport": "udp", "challenge": CHALLENGE})];
    let mut outcomes = [Vec::new(), Vec::new()];
    for _ in 0..table.rounds {
        for (body, outcomes) in [&tcp, &udp].into_iter().zip(&mut outcomes) {
            outcomes.push(ask_for_all(&lab, &service, body)?);
        }
    }
    lab.nothing_overflowed()?;
    let ratios = |of: fn(&Measurement, &Measurement) -> f64| {
        outcomes[0].iter().zip(&outcomes[1]).map(|(tcp, udp)| of(tcp, udp)).collect()
    };
    table.add(RATE, "", Goal::Known, ratios(|tcp, udp| tcp.seconds / udp.seconds));
    table.add(COST, "", Goal::Known, ratios(|tcp, udp| udp.cpu_us / tcp.cpu_us));
    let [tcp, udp] = outcomes;
    let task = format!("long line, 20 requests for 1,000 open ports: {ROUND_TRIP_MS} ms, 0 % loss");
    comparison.add(&task, "over TCP", tcp);
    comparison.add(&task, "over UDP", udp);
    Ok(())
}

/// Programs behind all ports.
fn programs(host: &Namespace) -> Vec<Answering> {
    let (mut programs, mut redirects) = (Vec::new(), String::new());
    for first in PORTS.step_by(PORTS_PER_PROGRAM.into()) {
        let last = first + PORTS_PER_PROGRAM - 1;
        let any = Ipv6Addr::UNSPECIFIED.into();
        let program = host.within(|| Answering::with(any, CHALLENGE));
        redirects += &format!("udp dport {first}-{last} redirect to :{}\n", program.port());
        programs.push(program);
    }
    host.firewall(&format!(
        "table inet datagrams {{
            chain arriving {{
                type nat hook prerouting priority dstnat
                {redirects}
            }}
        }}"
    ));
    programs
}

/// The time of all requests together, and the processor time of each port.
fn ask_for_all(lab: &Lab, service: &Service, transport: &Value) -> anyhow::Result<Measurement> {
    let mut body = transport.clone();
    body["ports"] = PORTS.collect();
    let body = body.to_string();
    let address = service.address;
    let (before, began) = (processor_ticks(service), Instant::now());
    let open: usize = scope(|scope| {
        let caller = || lab.checker.within(|| found_open(address, &body));
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().map(|caller| caller.join().expect("no panic")).sum()
    });
    let (took, used): (Duration, f64) = (began.elapsed(), processor_ticks(service) - before);
    let all = CALLERS * REQUESTS * PORTS.len();
    ensure!(open == all, "{open} of {all} were found open");
    Ok(Measurement {
        seconds: took.as_secs_f64(),
        cpu_us: used * TICK_US / all as f64,
        open_missed: Some(0),
        wrong: Some(0),
    })
}

/// How many ports one caller is told are open. A proxy beside the checker speaks for the host.
fn found_open(service: SocketAddr, body: &str) -> usize {
    let header = format!("X-Forwarded-For: {HOST}\r\n");
    let mut client = connect(service);
    let mut open = 0;
    for _ in 0..REQUESTS {
        let answer = exchange(&mut client, &header, body).expect("an answer").json();
        let results = answer["results"].as_object().expect("results");
        open += results.values().filter(|result| result["accessible"] == true).count();
    }
    open
}
