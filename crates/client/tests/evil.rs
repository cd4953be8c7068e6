//! Checkers that lie, stall or send us from pillar to post.

use std::{
    io::{Read, Write},
    net::{IpAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use port_checker_client::{
    Agent, CheckRequest, Checker, CheckerBuilder, Diagnosis, Event, Families, Family, Outcome,
    Plan, Port, Transport, TransportPort,
};
use port_checker_testbed::{
    datagrams,
    ports::{LOOPBACK, unused},
};

/// Documentation addresses: nobody's, and never dialled here.
const STRANGER: &str = "203.0.113.66";
const OTHER: &str = "203.0.113.7";

/// A checker by hand, and what it was asked.
struct ByHand {
    url: String,
    asked: Arc<Mutex<Vec<CheckRequest>>>,
}

impl ByHand {
    /// Says that it sees us from `ip`, if it can tell; answers its checks with what `answer` makes of
    /// their number and of the request.
    fn new(
        ip: Option<&'static str>,
        answer: impl Fn(usize, &CheckRequest) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
        let asked: Arc<Mutex<Vec<CheckRequest>>> = Arc::default();
        let (kept, count) = (Arc::clone(&asked), Arc::new(AtomicUsize::new(0)));
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, count) = (Arc::clone(&kept), Arc::clone(&count));
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    let mut stream = stream.expect("a connection");
                    let (head, body) = read(&mut stream);
                    let reply = match (head.starts_with("GET /ip "), ip) {
                        (true, Some(ip)) => ok(&format!(r#"{{"ip":"{ip}"}}"#)),
                        (true, None) => refusal(404, "NOT_FOUND", ""),
                        (false, _) => {
                            let request = serde_json::from_slice(&body).expect("a request");
                            let reply = answer(count.fetch_add(1, Ordering::Relaxed), &request);
                            asked.lock().expect("nobody panicked").push(request);
                            reply
                        }
                    };
                    let _ = stream.write_all(reply.as_bytes());
                });
            }
        });
        Self { url, asked }
    }

    fn checker(&self) -> Checker {
        self.builder().build()
    }

    fn builder(&self) -> CheckerBuilder {
        Checker::builder(&self.url).expect("an address")
    }

    fn asked_about(&self) -> Vec<Option<IpAddr>> {
        self.asked.lock().expect("nobody panicked").iter().map(|asked| asked.provider_ip).collect()
    }
}

/// One request.
fn read(stream: &mut impl Read) -> (String, Vec<u8>) {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).unwrap_or(0);
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return (head.to_owned(), body.as_bytes().to_vec());
            }
        }
        if count == 0 {
            return (text, Vec::new());
        }
    }
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Whatever\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn ok(body: &str) -> String {
    answer(200, "", body)
}

fn refusal(status: u16, code: &str, headers: &str) -> String {
    answer(status, headers, &format!(r#"{{"detail":{{"code":"{code}","message":"no"}}}}"#))
}

/// Calls every port accessible.
fn all_open(request: &CheckRequest) -> String {
    let results: Vec<_> = request
        .ports
        .iter()
        .map(|port| format!(r#""{port}":{{"accessible":true,"error":null}}"#))
        .collect();
    ok(&format!(r#"{{"success":true,"results":{{{}}},"message":""}}"#, results.join(",")))
}

/// Has this machine verified, and sums up the waits.
async fn verify(checkers: Vec<Checker>, plan: Plan) -> (Diagnosis, Vec<Duration>) {
    let mut verification = Agent::new(checkers).verify(plan).expect("a good plan");
    let mut waits = Vec::new();
    loop {
        match verification.next().await.expect("the diagnosis comes before the end") {
            Event::Waiting { wait, .. } => waits.push(wait),
            Event::Finished(diagnosis) => return (*diagnosis, waits),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_checker_that_is_always_busy_is_waited_for_once() {
    let busy = "retry-after: 2\r\n";
    let limited = ByHand::new(None, move |_, _| refusal(429, "RATE_LIMITED", busy));
    let overloaded = ByHand::new(None, move |_, _| refusal(503, "OVERLOADED", busy));
    for (evil, why) in [(limited, "every port"), (overloaded, "every batch and family")] {
        let both = Family::ALL.map(Family::loopback);
        // Half of the descriptors listen, in batches of eight ports of each family.
        let plan = Plan { addresses: both.into(), descriptors: 32, ..Plan::of_ports(unused(64)) };
        let checker = evil.builder().max_wait(Duration::from_secs(120)).build();
        let began = Instant::now();
        let (diagnosis, waits) = verify(vec![checker], plan).await;
        assert_eq!(diagnosis.outcome, Outcome::NoVerdict, "{why}");
        // Both families learn of it at the same time.
        assert!(waits.len() <= 2, "{why}: {waits:?}");
        assert!(began.elapsed() < Duration::from_secs(8), "{why}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_checker_that_doles_out_its_verdicts_is_waited_for_within_a_budget() {
    let evil = ByHand::new(None, |count, request| match count % 2 {
        0 => refusal(429, "RATE_LIMITED", "retry-after: 3\r\n"),
        _ => all_open(request),
    });
    // Four ports at once: their verdicts earn two seconds, and each batch costs three.
    let plan = Plan { addresses: vec![LOOPBACK], descriptors: 8, ..Plan::of_ports(unused(16)) };
    let checker = evil.builder().max_wait(Duration::from_secs(3)).build();
    let (_, waits) = verify(vec![checker], plan).await;
    assert!(waits.len() > 1, "verdicts are worth a wait: {waits:?}");
    let most = Duration::from_secs(3) + Duration::from_millis(500) * 16;
    assert!(waits.iter().sum::<Duration>() <= most, "{waits:?}");
}

#[tokio::test]
async fn a_checker_that_is_slow_to_refuse_is_not_asked_port_by_port() {
    let evil = ByHand::new(None, |_, _| {
        thread::sleep(Duration::from_millis(300));
        refusal(422, "TOO_MANY_PORTS", "")
    });
    let checker = evil.builder().timeout(Duration::from_secs(1)).build();
    let plan = Plan { addresses: vec![LOOPBACK], ..Plan::of_ports(unused(64)) };
    let (diagnosis, _) = verify(vec![checker], plan).await;
    assert_eq!(diagnosis.outcome, Outcome::NoVerdict);
    let asked = evil.asked_about().len();
    assert!(asked <= 5, "all refusals together take no longer than one answer: {asked}");
}

#[tokio::test]
async fn a_checker_that_is_slow_to_show_that_it_knows_no_udp_is_asked_a_few_times() {
    let evil = ByHand::new(None, |_, request| {
        thread::sleep(Duration::from_millis(300));
        all_open(request)
    });
    let checker = evil.builder().timeout(Duration::from_secs(1)).build();
    // Sixteen batches of four ports.
    let ports =
        datagrams::unused(64).into_iter().map(|port| TransportPort::over(Transport::Udp, port));
    let plan = Plan { addresses: vec![LOOPBACK], descriptors: 8, ..Plan::of_ports(ports) };
    let (diagnosis, _) = verify(vec![checker], plan).await;
    assert_eq!(diagnosis.outcome, Outcome::NoVerdict);
    let asked = evil.asked.lock().expect("nobody panicked");
    assert!(asked.len() <= 5, "all take no longer than one answer: {}", asked.len());
    assert!(asked.iter().all(|asked| asked.ports.is_empty()), "nothing was checked: {asked:?}");
}

#[tokio::test]
async fn connections_that_a_checker_invents_are_waited_for_once() {
    let evil = ByHand::new(None, |_, request| all_open(request));
    // Sixteen batches of four ports.
    let plan = Plan { addresses: vec![LOOPBACK], descriptors: 8, ..Plan::of_ports(unused(64)) };
    let began = Instant::now();
    let (diagnosis, _) = verify(vec![evil.checker()], plan).await;
    assert_eq!(diagnosis.outcome, Outcome::NotAccessible);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

/// An address for those that cannot tell from where they see us is not taken from one alone.
#[tokio::test]
async fn one_checker_does_not_choose_the_address_for_others() {
    let sees = |ip| ByHand::new(ip, |_, request| all_open(request));
    let cases = [
        (vec![Some(STRANGER)], None, "one liar"),
        (vec![Some(STRANGER), Some(OTHER)], None, "two that do not agree"),
        (vec![Some("127.0.0.1")], None, "to each another machine"),
        (vec![Some(STRANGER), Some(OTHER), Some(OTHER)], Some(OTHER), "two agree"),
    ];
    for (seen, lent, why) in cases {
        let telling: Vec<_> = seen.iter().map(|&ip| sees(ip)).collect();
        let mute = sees(None);
        let checkers = telling.iter().chain([&mute]).map(ByHand::checker).collect();
        let families = Families::Only(Family::Ipv4);
        let ports: Vec<Port> = unused(1);
        let (diagnosis, _) = verify(checkers, Plan { families, ..Plan::of_ports(ports) }).await;
        let lent: Vec<Option<IpAddr>> =
            lent.iter().map(|ip: &&str| Some(ip.parse().expect("an address"))).collect();
        assert_eq!(mute.asked_about(), lent, "{why}");
        let facts = diagnosis.families[0].checkers.last().expect("the one that cannot tell");
        let advice = facts.failure.as_ref().map(|failure| failure.message.contains("--ip"));
        assert_eq!(advice, lent.is_empty().then_some(true), "{why}: {facts:?}");
    }
}
