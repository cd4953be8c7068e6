//! Kind A, processor time that a stranger chooses: `/check-tls` of servers whose certificates are costly to
//! verify.

use std::{io, sync::atomic::Ordering, time::Duration};

use port_checker_testbed::http::Answer;
use serde_json::Value;

use super::super::{
    attack::{Attack, Attacker, in_words},
    costly_chains::CHAINS,
    lab::{FIRST_COSTLY, json, send},
};

pub(super) const ATTACKS: &[Attack] = &[Attack {
    kind: 'A',
    name: "checks of costly certificates",
    threads: 16,
    rest: Duration::from_millis(10),
    round,
}];

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
