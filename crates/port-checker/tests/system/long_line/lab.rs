//! A checker, a host far away, and how its ports behave.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use port_checker_testbed::{
    http::{Answer, check_ports},
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
    targets::{Conduct, Targets},
};
use serde_json::{Value, json};

use crate::program::{PORT_CHECKER, configure};

/// The host's addresses.
pub(super) const V4: &str = "203.0.113.1";
pub(super) const V6: &str = "2001:db8::1";

const CHECKER: [&str; 2] = ["203.0.113.254/24", "2001:db8::fe/64"];
const HOST: [&str; 2] = ["203.0.113.1/24", "2001:db8::1/64"];

/// Ports whose packets the host drops. Nothing else is dropped; where nothing listens it refuses.
const SILENT: RangeInclusive<u16> = 10_000..=10_999;
const OPEN: RangeInclusive<u16> = 20_000..=20_999;
const REFUSED: RangeInclusive<u16> = 30_000..=30_999;

const SILENCE: &str = "
table inet silence {
    chain input {
        type filter hook input priority filter
        tcp dport 10000-10999 drop
    }
}";

/// Defaults, but that the host's addresses may be checked as often as the test wants.
const SETTINGS: [(&str, &str); 4] = [
    ("PORT_CHECKER_ALLOWED_TARGETS", "203.0.113.0/24,2001:db8::/32"),
    ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
    ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
];

/// How a port behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Silent,
    Open,
    Refused,
}

/// Two machines with the line between them.
pub(super) struct Lab {
    pub(super) line: LongLine,
    pub(super) checker: Namespace,
    pub(super) host: Namespace,
}

impl Lab {
    pub(super) fn new(round_trip: Duration, loss: f64) -> Self {
        let (checker, host) = (Namespace::new(), Namespace::new());
        let line = Line::with_round_trip(round_trip, loss);
        let line = LongLine::between(&checker, &CHECKER, &host, &HOST, line);
        host.firewall(SILENCE);
        Self { line, checker, host }
    }

    /// Has the host listen on ports that should be open.
    pub(super) fn open(&self, ports: &[(u16, Kind)]) -> Targets {
        let open = ports.iter().filter(|(_, kind)| *kind == Kind::Open).map(|(port, _)| *port);
        Targets::listen(&self.host, open, Conduct::Keep)
    }

    /// Starts a checker with the default settings but for these.
    pub(super) fn serve(&self, settings: &[(&str, &str)]) -> Service {
        let mut command = self.checker.command(PORT_CHECKER, &["serve"]);
        configure(&mut command, &SETTINGS);
        Service::start(command.envs(settings.iter().copied()))
    }

    /// Asks from the machine of the checker; says how long the answer took.
    pub(super) fn ask(&self, service: SocketAddr, body: &Value) -> (Answer, Duration) {
        let body = body.to_string();
        self.checker.within(|| {
            let began = Instant::now();
            (check_ports(service, &body), began.elapsed())
        })
    }

    /// No packet was lost but by the line's loss.
    pub(super) fn nothing_overflowed(&self) {
        let (there, back) = (self.line.there(), self.line.back());
        assert_eq!((there.lost_to_bound, back.lost_to_bound), (0, 0), "{there:?} {back:?}");
    }
}

/// A quarter silent, a quarter open, half refused.
pub(super) fn mixed(count: usize) -> Vec<(u16, Kind)> {
    let (mut silent, mut open, mut refused) = (SILENT, OPEN, REFUSED);
    let port = |index| match index % 4 {
        0 => Some((silent.next()?, Kind::Silent)),
        1 => Some((open.next()?, Kind::Open)),
        _ => Some((refused.next()?, Kind::Refused)),
    };
    (0..count).map_while(port).collect()
}

/// This many silent ones, then as many open ones as are left.
pub(super) fn silent_and_open(silent: usize, count: usize) -> Vec<(u16, Kind)> {
    let silent = SILENT.map(|port| (port, Kind::Silent)).take(silent);
    silent.chain(OPEN.map(|port| (port, Kind::Open))).take(count).collect()
}

/// A request for all that is known of these ports.
pub(super) fn question(host: &str, ports: &[(u16, Kind)]) -> Value {
    let ports: Vec<u16> = ports.iter().map(|(port, _)| *port).collect();
    let host: IpAddr = host.parse().expect("an address");
    json!({"provider_ip": host, "ports": ports, "verbose": true})
}

/// Every port is judged as it behaves.
pub(super) fn all_are_right(answer: &Answer, ports: &[(u16, Kind)]) {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    assert_eq!(answer["results"].as_object().map(serde_json::Map::len), Some(ports.len()));
    let wrong: Vec<_> = ports
        .iter()
        .map(|(port, kind)| (port, kind, &answer["results"][port.to_string()]))
        .filter(|(_, kind, result)| {
            let expected = match kind {
                Kind::Silent => json!("timed_out"),
                Kind::Open => Value::Null,
                Kind::Refused => json!("refused"),
            };
            result["reason"] != expected || result["accessible"] != json!(**kind == Kind::Open)
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong: {wrong:?}", wrong.len(), ports.len());
}
