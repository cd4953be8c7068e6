//! Attackers against the service as it runs: no verdict is wrong, and nothing of theirs is repeated.

use std::net::{IpAddr, SocketAddr};

use port_checker_api::UdpQuestion;
use port_checker_testbed::{
    datagrams::{Answering, Mute},
    http::{JSON, get, metric, post},
    process::Service,
};
use serde_json::{Value, json};

use super::CHALLENGE;
use crate::program::port_checker;

/// A text of the attackers. It could be a challenge.
const SECRET: &str = "root:hunter2 root:hunter2";

/// Two attempts; the second begins when the time of the first is over.
const SETTINGS: [(&str, &str); 6] = [
    ("PORT_CHECKER_HOST", "::"),
    ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
    ("PORT_CHECKER_DEBUG", "true"),
    ("PORT_CHECK_RETRIES", "2"),
    ("PORT_CHECK_RETRY_DELAY", "0.4"),
    ("PORT_CHECK_TIMEOUT", "0.3"),
];

fn right(question: UdpQuestion) -> Vec<u8> {
    question.answered(CHALLENGE.as_bytes())
}

/// A program that answers the first question, and repeats that answer to every other one.
fn replaying() -> impl FnMut(UdpQuestion) -> Vec<Vec<u8>> + Send + 'static {
    let mut first = None;
    move |question| vec![right(*first.get_or_insert(question))]
}

/// A program that answers each question when the next one comes.
fn late() -> impl FnMut(UdpQuestion) -> Vec<Vec<u8>> + Send + 'static {
    let mut earlier = None;
    move |question| earlier.replace(question).map(right).into_iter().collect()
}

/// An attacker, and the right reason in each of two requests.
type Attacker = (Answering, [Value; 2], &'static str);

fn attackers(ip: IpAddr) -> Vec<Attacker> {
    let too_long = |question| {
        let mut answer = right(question);
        answer.extend(SECRET.bytes().cycle().take(1_400 - answer.len()));
        vec![answer]
    };
    let escapes = format!("\x1b[31m{SECRET}\r\n").into_bytes();
    let (open, silent, failed) = (Value::Null, json!("timed_out"), json!("challenge_failed"));
    let twice = |reason: &Value| [reason.clone(), reason.clone()];
    vec![
        (Answering::by(ip, replaying()), [open.clone(), silent.clone()], "an old answer"),
        (Answering::by(ip, late()), twice(&silent), "late answers"),
        (Answering::by(ip, too_long), twice(&silent), "1,400 bytes"),
        (Answering::by(ip, |it| vec![right(it); 100]), twice(&open), "100 right answers"),
        (
            Answering::by(ip, |it| vec![it.answered(SECRET.as_bytes()); 100]),
            twice(&failed),
            "100 answers with another challenge",
        ),
        (
            Answering::by(ip, move |_| vec![escapes.clone(); 100]),
            twice(&silent),
            "100 datagrams of another protocol",
        ),
        (
            Answering::from_elsewhere(ip, ip, |it| vec![right(it)]),
            twice(&silent),
            "the right answer from another port",
        ),
    ]
}

#[test]
fn no_verdict_is_wrong_and_no_byte_of_theirs_goes_any_further() {
    let service = Service::start(&mut port_checker(&["serve"], &SETTINGS));
    let mut said = Vec::new();
    for ip in ["127.0.0.1", "::1"] {
        let ip: IpAddr = ip.parse().unwrap();
        let server = SocketAddr::new(ip, service.address.port());
        let attackers = attackers(ip);
        let (honest, silent) = (Answering::with(ip, CHALLENGE), Mute::on(ip));
        let mut ports: Vec<_> = attackers.iter().map(|(attacker, ..)| attacker.port()).collect();
        ports.extend([honest.port(), silent.port()]);
        let body = json!({
            "ports": ports, "transport": "udp", "challenge": CHALLENGE, "verbose": true,
        });
        let lines = format!("{JSON}Accept: application/x-ndjson\r\n");
        for (request, headers) in [JSON, &lines].into_iter().enumerate() {
            let answer = post(server, "/check-ports", headers, body.to_string().as_bytes());
            let text = String::from_utf8(answer.body).expect("JSON is text");
            let reason = |port| reason_of(&text, port);
            for (attacker, reasons, why) in &attackers {
                assert_eq!(reason(attacker.port().get()), reasons[request], "{ip}: {why}");
            }
            assert_eq!(reason(honest.port().get()), Value::Null, "{ip}: another port");
            assert_eq!(reason(silent.port().get()), json!("timed_out"), "{ip}: another port");
            said.push(text);
        }
    }
    for (cause, least) in [("malformed", 4 * 200), ("unmatched", 4 * 99)] {
        let series = format!("port_checker_udp_datagrams_ignored_total{{cause=\"{cause}\"}}");
        let ignored = metric(service.address, &series);
        assert!(ignored >= f64::from(least), "{cause}: {ignored}");
    }
    said.push(String::from_utf8(get(service.address, "/metrics").body).expect("text"));
    let (_, log) = service.finish();
    assert!(log.iter().any(|line| line.contains("judged")), "it says what it does: {log:?}");
    said.extend(log);
    for text in said {
        for word in ["hunter2", "root", "PRTCHK1", "\x1b[31m", CHALLENGE] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

/// The reason in the result of a port, from one document or from lines.
fn reason_of(answer: &str, port: u16) -> Value {
    if let Ok(document) = serde_json::from_str::<Value>(answer) {
        return document["results"][port.to_string()]["reason"].clone();
    }
    // Between the lines are the sizes of their chunks.
    let mut lines = answer.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.find(|line| line["port"] == json!(port)).expect("a line for each port")["reason"].clone()
}
