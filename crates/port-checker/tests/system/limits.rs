//! Nobody spends another's allowance, whether limits are kept in the process or in a real Redis.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, SystemTime},
};

use port_checker_testbed::{
    http::{Answer, connect, exchange, metric},
    ports::{Held, Listening},
    process::{Running, Service, free_address, wait_until},
    redis,
};
use serde_json::json;

use crate::{program::port_checker, redis::command};

/// The address that the strangers ask about, and that asks about itself.
const VICTIM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

const CHALLENGE: &str = "0123456789abcdef";

/// A checker that believes the callers of a test whom they speak for.
fn checker(redis_url: &str, settings: &[(&str, &str)]) -> Service {
    let common = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECKER_REDIS_URL", redis_url),
    ];
    Service::start(&mut port_checker(&["serve"], &[&common[..], settings].concat()))
}

/// A checker for each place where limits can be kept.
fn checkers(settings: &[(&str, &str)]) -> Vec<(&'static str, Service, Option<Running>)> {
    let mut checkers = vec![("in the process", checker("", settings), None)];
    let address = free_address();
    if let Some(redis) = redis::start(address, &[]) {
        let shared = checker(&format!("redis://{address}"), settings);
        assert_eq!(metric(shared.address, "port_checker_redis_up "), 1.0, "limits are shared");
        checkers.push(("in Redis", shared, Some(redis)));
    }
    checkers
}

/// What `caller` gets who asks about these ports of the victim.
fn ask(checker: SocketAddr, caller: Ipv4Addr, ports: &[u16], challenge: Option<&str>) -> Answer {
    let body = json!({"provider_ip": VICTIM, "ports": ports, "challenge": challenge});
    let headers = format!("X-Forwarded-For: {caller}\r\n");
    exchange(&mut connect(checker), &headers, &body.to_string()).expect("an answer")
}

fn ports(count: u16) -> Vec<u16> {
    (1..=count).collect()
}

/// One of many callers.
fn stranger(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, number)
}

#[test]
fn eleven_bursts_of_strangers_leave_the_target_its_half() {
    for (place, checker, _redis) in checkers(&[]) {
        let admitted: u16 = (1..=11)
            .map(|number| ask(checker.address, stranger(number), &ports(204), None))
            .map(|answer| if answer.status == 200 { 204 } else { 0 })
            .sum();
        assert!((612..=1024).contains(&admitted), "{place}: {admitted} of 2048");
        let own = ask(checker.address, VICTIM, &ports(1024), None);
        assert_eq!(own.status, 200, "{place}: {own:?}");
    }
}

#[test]
fn thirteen_callers_that_probe_for_ever_never_have_the_target_refused() {
    const CALLERS: u8 = 13;
    const OWN_CHECKS: usize = 12;
    for (place, checker, _redis) in checkers(&[]) {
        for number in 1..=11 {
            ask(checker.address, stranger(number), &ports(204), None);
        }
        let mut strangers_refused = 0;
        for check in 0..OWN_CHECKS {
            for number in 0..CALLERS {
                let answer = ask(checker.address, stranger(100 + number), &ports(20), None);
                strangers_refused += usize::from(answer.status == 429);
            }
            let own = ask(checker.address, VICTIM, &ports(10), None);
            assert_eq!(own.status, 200, "{place}: check {check}: {own:?}");
        }
        assert!(strangers_refused > 0, "{place}: the strangers had used up what is theirs");
    }
}

#[test]
fn the_target_cannot_use_up_the_half_of_third_parties() {
    for (place, checker, _redis) in checkers(&[]) {
        assert_eq!(ask(checker.address, VICTIM, &ports(1024), None).status, 200, "{place}");
        assert_eq!(ask(checker.address, VICTIM, &ports(1024), None).status, 429, "{place}");
        let other = ask(checker.address, stranger(1), &ports(400), None);
        assert_eq!(other.status, 200, "{place}: {other:?}");
    }
}

/// A caller whose name leads over the other family counts as a third party.
#[test]
fn four_starts_of_a_dual_stack_caller_pass_in_a_row() {
    for (place, checker, _redis) in checkers(&[]) {
        for start in 1..=4 {
            let answer = ask(checker.address, stranger(1), &ports(100), None);
            assert_eq!(answer.status, 200, "{place}: start {start}: {answer:?}");
        }
    }
}

#[test]
fn the_surcharge_of_a_matched_port_of_a_third_party_is_given_back() {
    const SLOW: [(&str, &str); 2] =
        [("PORT_CHECKER_RATE_PER_MINUTE", "1"), ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "1")];
    let open: Vec<Listening> = (0..10).map(|_| greeting()).collect();
    let open: Vec<u16> = open.iter().map(|listening| listening.port().get()).collect();
    let closed = ports(10);
    let mixed = [&open[..5], &closed[..5]].concat();
    for (place, checker, _redis) in checkers(&SLOW) {
        let ask = |caller, ports: &[u16], challenge| ask(checker.address, caller, ports, challenge);
        let left = |caller| {
            let answer = ask(caller, &[], None);
            let standing = answer.header("ratelimit").expect("limits").to_owned();
            let rest = standing.strip_prefix("\"caller\";r=").expect("the caller is first");
            rest.split(';').next().and_then(|left| left.parse().ok()).unwrap_or(u64::MAX)
        };
        let cases = [
            (stranger(1), &open[..], Some(CHALLENGE), 2048 - 10, "ten matched"),
            (stranger(2), &closed[..], Some(CHALLENGE), 2048 - 50, "ten closed"),
            (stranger(3), &mixed[..], Some(CHALLENGE), 2048 - 30, "five matched"),
            (stranger(4), &open[..], None, 2048 - 50, "open, but whose is not proved"),
            (stranger(5), &open[..], Some("another challenge"), 2048 - 50, "mismatched"),
            (VICTIM, &open[..], Some(CHALLENGE), 2048 - 10, "its own: nothing above one"),
        ];
        for (caller, ports, challenge, expected, why) in cases {
            assert_eq!(ask(caller, ports, challenge).status, 200, "{place}: {why}");
            assert_eq!(left(caller), expected, "{place}: {why}");
        }
    }
}

/// What a Redis leaves whose clock was an hour ahead, or behind.
#[test]
fn another_clock_in_redis_costs_a_window_at_most() {
    const HOUR: Duration = Duration::from_secs(3600);
    const SETTINGS: [(&str, &str); 2] =
        [("PORT_CHECKER_RATE_BURST", "20"), ("PORT_CHECKER_TARGET_RATE_BURST", "20")];
    /// 20 probes of a caller at 600 a minute take two seconds, 10 of half a target at half the rate too.
    const WINDOW: Duration = Duration::from_secs(2);
    let address = free_address();
    let Some(_redis) = redis::start(address, &[]) else { return };
    let checker = checker(&format!("redis://{address}"), &SETTINGS);
    let write = |key: &str, time: SystemTime| {
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let said =
            command(address, &format!("SET port-checker:v1:{key} {}", since_1970.as_micros()));
        assert!(said.starts_with("+OK"), "{said}");
    };
    let cases = [
        (format!("caller:{VICTIM}"), VICTIM),
        (format!("target:itself:{VICTIM}"), VICTIM),
        (format!("target:others:{VICTIM}"), stranger(1)),
    ];
    for (key, caller) in cases {
        let ask = || ask(checker.address, caller, &[1], None);
        command(address, "FLUSHALL");
        write(&key, SystemTime::now() - HOUR);
        assert_eq!(ask().status, 200, "{key}: an hour behind");
        write(&key, SystemTime::now() + HOUR);
        let refused = ask();
        assert_eq!(refused.status, 429, "{key}: an hour ahead");
        let wait = refused.header("retry-after").and_then(|wait| wait.parse().ok());
        let wait = Duration::from_secs(wait.expect("a time to wait"));
        assert!(wait <= WINDOW, "{key}: {wait:?}");
        wait_until("the checker has recovered", || ask().status == 200);
        let life = command(address, &format!("PTTL port-checker:v1:{key}"));
        let life: u128 = life.trim_start_matches(':').trim().parse().expect("it expires");
        assert!(life <= WINDOW.as_millis(), "{key}: {life}");
    }
}

/// A listener of the victim's that sends the challenge to each visitor.
fn greeting() -> Listening {
    let listening = Listening::on(VICTIM.into());
    let listener = listening.listener.try_clone().expect("a socket");
    thread::spawn(move || {
        for mut visitor in listener.incoming().map_while(Result::ok) {
            // The checker may have hung up.
            let _ = visitor.write_all(format!("{CHALLENGE}\n").as_bytes());
        }
    });
    listening
}
