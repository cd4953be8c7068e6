//! Attackers off the path, who see no question and can send as if from anywhere.

use std::{
    net::{IpAddr, SocketAddr},
    thread,
};

use port_checker_api::UdpQuestion;
use port_checker_testbed::{
    http::{connect, exchange, metric},
    injector::Injector,
    namespace::Namespace,
    process::{Service, wait_until},
    skip,
};
use serde_json::{Value, json};

use super::CHALLENGE;
use crate::program::{PORT_CHECKER, configure};

/// The checker's addresses, each with that of the caller, whose ports drop everything.
const PAIRS: [[&str; 2]; 2] = [["192.0.2.1", "192.0.2.7"], ["2001:db8::1", "2001:db8::7"]];

const PORT: u16 = 7466;

/// Answers to tokens that were never sent, for each family; and how many are sent at once, which the kernel's
/// buffer holds.
const GUESSES: u32 = 10_000;
const BATCH: u32 = 100;

/// One attempt, longer than all the guessing takes.
const SETTINGS: [(&str, &str); 5] = [
    ("PORT_CHECKER_TARGETS", "any"),
    ("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1"),
    ("PORT_CHECKER_DEBUG", "true"),
    ("PORT_CHECK_RETRIES", "1"),
    ("PORT_CHECK_TIMEOUT", "15"),
];

/// The local port of the one UDP socket that is bound to `ip` in this thread's namespace.
fn local_port(ip: IpAddr) -> Option<u16> {
    let table = if ip.is_ipv4() { "udp" } else { "udp6" };
    let table = std::fs::read_to_string(format!("/proc/thread-self/net/{table}")).expect("a table");
    let local = table.lines().nth(1)?.split_whitespace().nth(1)?;
    u16::from_str_radix(local.split_once(':')?.1, 16).ok()
}

/// Sends guesses as if from the port that is asked about, all of which the checker reads. The attacker knows the
/// challenge and the checker's port, which it would have to guess too.
fn guess(injector: &Injector, from: SocketAddr, to: SocketAddr, read: impl Fn() -> f64) {
    let before = read();
    for number in 1..=GUESSES {
        let mut token = [0x5a; 16];
        token[..4].copy_from_slice(&number.to_be_bytes());
        injector.datagram(from, to, &UdpQuestion { token }.answered(CHALLENGE.as_bytes()));
        if number % BATCH == 0 {
            wait_until("the guesses are read", || read() >= before + f64::from(number));
        }
    }
}

#[test]
fn ten_thousand_guesses_from_the_very_address_and_port_open_nothing() {
    if !skip::is_root() {
        return;
    }
    let machine = Namespace::new();
    let injector = Injector::into(&machine, &["192.0.2.1/24", "2001:db8::1/64"]);
    let mut command = machine.command(PORT_CHECKER, &["serve"]);
    configure(&mut command, &SETTINGS);
    let service = Service::start(&mut command);
    let address = service.address;
    let ignored = |cause: &str| {
        let series = format!("port_checker_udp_datagrams_ignored_total{{cause=\"{cause}\"}}");
        metric(address, &series)
    };
    let ask = |caller: &str| {
        let body = json!({
            "ports": [PORT], "transport": "udp", "challenge": CHALLENGE, "verbose": true,
        });
        // A proxy beside the checker speaks for the caller, who is beyond the injector.
        let header = format!("X-Forwarded-For: {caller}\r\n");
        let asked = || exchange(&mut connect(address), &header, &body.to_string());
        machine.within(asked).expect("an answer")
    };
    let answers = thread::scope(|scope| {
        let ask = &ask;
        let asking = PAIRS.map(|[_, caller]| scope.spawn(move || ask(caller)));
        machine.within(|| {
            for [own, caller] in PAIRS.map(|pair| pair.map(|ip| ip.parse::<IpAddr>().unwrap())) {
                wait_until("it has a socket", || local_port(own).is_some());
                let to = SocketAddr::new(own, local_port(own).expect("as before"));
                let before = ignored("foreign");
                let answer = UdpQuestion { token: [0; 16] }.answered(CHALLENGE.as_bytes());
                let stranger = if own.is_ipv4() { "192.0.2.9" } else { "2001:db8::9" };
                injector.datagram((stranger.parse::<IpAddr>().unwrap(), PORT).into(), to, &answer);
                wait_until("a stranger's is read", || ignored("foreign") > before);
                guess(&injector, (caller, PORT).into(), to, || ignored("unmatched"));
            }
        });
        asking.map(|asking| asking.join().expect("no panic"))
    });
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        let result = &answer.json()["results"][PORT.to_string()];
        let told = [&result["accessible"], &result["reason"], &result["challenge"]];
        assert_eq!(told, [&json!(false), &json!("timed_out"), &Value::Null], "{result}");
    }
    let counted = machine.within(|| ["unmatched", "malformed", "foreign"].map(ignored));
    assert_eq!(counted, [2.0 * f64::from(GUESSES), 0.0, 2.0]);
    let (_, log) = service.finish();
    let told =
        [answers.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).to_vec(), log];
    for text in told.concat() {
        for word in [CHALLENGE, "5a5a", "ZZZZ", "PRTCHK1"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}
