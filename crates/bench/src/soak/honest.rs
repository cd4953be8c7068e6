//! Callers who mean no harm and keep within their limits: every answer they get must be right.

use std::{
    io,
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use port_checker_api::Reason;
use port_checker_testbed::http::Answer;
use serde_json::{Value, json};

use super::{
    attack::in_words,
    lab::{self, CHALLENGE, CLOSED, FIRST_SILENT, GREETING, OPEN, TLS, TLS_SERVER, send},
};

/// Whom the strangers of kind D ask about; it asks about itself.
pub(crate) const VICTIM: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 10);
/// In whose browser the page of kind F runs.
pub(crate) const VISITOR: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 11);

/// How many words of refusals and wrong answers are kept of each caller.
const EXAMPLES: usize = 5;

/// How soon a caller notices that the time is over.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The time after which providers of the second generation have given up.
const LATE: Duration = Duration::from_secs(8);

/// Somebody who asks about his own address again and again.
pub(crate) struct Honest {
    pub(crate) name: &'static str,
    address: Ipv4Addr,
    question: HonestRequest,
}

enum HonestRequest {
    /// Ports that are open and ports that are not, and so many that never answer.
    Ports { silent: u16 },
    /// A port that says the challenge.
    Challenge,
    /// A server that proves to be who it is.
    Tls,
}

/// What one caller got.
#[derive(Default)]
pub(crate) struct Served {
    pub(crate) made: u64,
    pub(crate) wrong: u64,
    pub(crate) refused: u64,
    /// Later than a provider waits.
    pub(crate) late: u64,
    pub(crate) slowest: Duration,
    pub(crate) examples: Vec<String>,
}

const fn other(name: &'static str, host: u8, question: HonestRequest) -> Honest {
    Honest { name, address: Ipv4Addr::new(198, 18, 0, host), question }
}

/// All of them.
pub(super) const ALL: [Honest; 9] = [
    Honest {
        name: "victim of D: 8 ports that answer",
        address: VICTIM,
        question: HonestRequest::Ports { silent: 0 },
    },
    Honest {
        name: "visitor of F: 8 ports that answer",
        address: VISITOR,
        question: HonestRequest::Ports { silent: 0 },
    },
    other("other: 8 ports that answer", 20, HonestRequest::Ports { silent: 0 }),
    other("other: 8 ports that answer", 21, HonestRequest::Ports { silent: 0 }),
    other("other: 8 that answer, 2 silent", 30, HonestRequest::Ports { silent: 2 }),
    other("other: 8 that answer, 10 silent", 31, HonestRequest::Ports { silent: 10 }),
    other("other: 8 that answer, 20 silent", 32, HonestRequest::Ports { silent: 20 }),
    other("other: a port with a challenge", 40, HonestRequest::Challenge),
    Honest { name: "other: a TLS server", address: TLS_SERVER, question: HonestRequest::Tls },
];

impl Honest {
    /// Asks until the time is over, from the namespace that this thread is in.
    pub(crate) fn ask_until(&self, until: Instant) -> Served {
        let mut served = Served::default();
        while Instant::now() < until {
            let begun = Instant::now();
            let answer = send(self.address, &self.question.request());
            served.count(answer, begun.elapsed(), &self.question.right_answer());
            let next = (begun + self.question.every()).min(until);
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                thread::sleep(left.min(LOOK_AGAIN));
            }
        }
        served
    }
}

impl HonestRequest {
    /// How often it may be asked without ever using up the 300 probes a minute that everybody has for
    /// checks of his own address.
    const fn every(&self) -> Duration {
        match self {
            Self::Ports { silent } => Duration::from_millis(2000 + 300 * *silent as u64),
            Self::Challenge | Self::Tls => Duration::from_secs(1),
        }
    }

    fn request(&self) -> Vec<u8> {
        const END: &str = "Connection: close\r\n";
        let (path, body) = match self {
            Self::Ports { silent } => {
                let silent = FIRST_SILENT..FIRST_SILENT + silent;
                let ports: Vec<u16> = OPEN.into_iter().chain(CLOSED).chain(silent).collect();
                ("/check-ports", json!({"ports": ports}))
            }
            Self::Challenge => {
                ("/check-ports", json!({"ports": [GREETING], "challenge": CHALLENGE}))
            }
            Self::Tls => {
                let host = TLS_SERVER.to_string();
                ("/check-tls", json!({"host": host, "port": TLS, "expected_ip": host}))
            }
        };
        lab::json(path, END, &body.to_string())
    }

    /// What must be in the answer.
    fn right_answer(&self) -> Value {
        let result = |port: u16, reason: Option<Reason>| {
            let error = reason.map(Reason::text);
            (port.to_string(), json!({"accessible": reason.is_none(), "error": error}))
        };
        let results: serde_json::Map<_, _> = match self {
            Self::Ports { silent } => {
                let silent = FIRST_SILENT..FIRST_SILENT + silent;
                let open = OPEN.into_iter().map(|port| result(port, None));
                let closed = CLOSED.into_iter().map(|port| result(port, Some(Reason::Refused)));
                let silent = silent.map(|port| result(port, Some(Reason::TimedOut)));
                open.chain(closed).chain(silent).collect()
            }
            Self::Challenge => [result(GREETING, None)].into_iter().collect(),
            Self::Tls => return json!({"valid": true}),
        };
        json!({"results": results})
    }
}

impl Served {
    fn count(&mut self, answer: io::Result<Answer>, took: Duration, right: &Value) {
        self.made += 1;
        self.slowest = self.slowest.max(took);
        self.late += u64::from(took > LATE);
        match answer {
            Ok(answer) if answer.status == 200 => {
                let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                let right = right.as_object().expect("an object is expected").iter();
                if !right.into_iter().all(|(field, value)| said.get(field) == Some(value)) {
                    self.wrong += 1;
                    self.keep(format!("wrong: {said}"));
                }
            }
            refused => {
                self.refused += 1;
                let body = refused.as_ref().map_or(&[][..], |answer| &answer.body);
                let message = String::from_utf8_lossy(body);
                self.keep(format!("refused: {} {message}", in_words(&refused)));
            }
        }
    }

    fn keep(&mut self, example: String) {
        if self.examples.len() < EXAMPLES && !self.examples.contains(&example) {
            self.examples.push(example);
        }
    }
}
