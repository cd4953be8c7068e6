//! Kind A, processor time that a stranger chooses: `/check-tls` of servers whose certificates are costly to
//! verify.

use std::{io, sync::atomic::Ordering, time::Duration};

use port_checker_testbed::{
    costly_tls::{Chain, Filling},
    http::Answer,
};
use serde_json::Value;

use super::super::{
    attack::{Attack, Attacker, in_words},
    lab::{FIRST_COSTLY, json, send},
};

const ALONE: Chain =
    Chain { authorities: 0, filling: Filling::Nothing, rsa_bits: None, record: 16_000 };

/// What the servers show, and a word for each.
pub(crate) const CHAINS: [(Chain, &str); 6] = [
    (with(9, Filling::Certificates), "too many certificates"),
    (with(8, Filling::Extensions), "too many ways"),
    (with(4, Filling::Extensions), "the costliest that is verified"),
    (with(1, Filling::Names), "10,000 names"),
    (Chain { rsa_bits: Some(8192), ..ALONE }, "the costliest key"),
    (Chain { record: 1, ..with(4, Filling::Extensions) }, "records of one byte"),
];

pub(super) const ATTACKS: &[Attack] = &[Attack {
    kind: 'A',
    name: "checks of costly certificates",
    threads: 16,
    rest: Duration::from_millis(10),
    round,
}];

const fn with(authorities: u16, filling: Filling) -> Chain {
    Chain { authorities, filling, ..ALONE }
}

/// Each check is of another chain at the caller's own address, which makes it cheap for him.
fn round(attacker: &Attacker<'_>) {
    let number = attacker.tally.tried.fetch_add(1, Ordering::Relaxed) as usize % CHAINS.len();
    let (from, port) = (attacker.address(), usize::from(FIRST_COSTLY) + number);
    let body = format!(r#"{{"host":"{from}","port":{port}}}"#);
    let answer = send(from, &json("/check-tls", "Connection: close\r\n", &body));
    attacker.tally.came_to(&judgement(&answer));
}

/// The beginning of what the service says of the certificates, or why it says nothing.
fn judgement(answer: &io::Result<Answer>) -> String {
    const BEGINNING: usize = 40;
    let body = answer.as_ref().ok().filter(|answer| answer.status == 200);
    let body: Option<Value> = body.and_then(|answer| serde_json::from_slice(&answer.body).ok());
    let error = body.as_ref().and_then(|body| body["error"].as_str());
    let beginning = |error: &str| error.chars().take(BEGINNING).collect::<String>();
    error.map_or_else(|| in_words(answer), |error| format!("\"{}…\"", beginning(error)))
}
