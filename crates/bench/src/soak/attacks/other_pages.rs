//! Kind F, other pages: a page that the operator did not admit has its visitor's browser ask.

use std::{io::Write, time::Duration};

use port_checker_testbed::http::try_read_answer;

use super::super::{
    attack::{Attack, Attacker},
    honest::VISITOR,
    lab::{CLOSED, bare, connect},
};

/// Requests over one connection.
const REQUESTS: usize = 200;

pub(super) const ATTACKS: &[Attack] = &[Attack {
    kind: 'F',
    name: "cross-site GETs of /port/N",
    threads: 2,
    rest: Duration::from_millis(20),
    round,
}];

/// From the visitor's address, whose own checks are to go on.
fn round(attacker: &Attacker<'_>) {
    const EVERY: Duration = Duration::from_millis(5);
    let Ok(mut browser) = connect(VISITOR) else { return };
    let headers = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n\
                   Sec-Fetch-Mode: cors\r\n";
    let request = bare("GET", &format!("/port/{}", CLOSED[0]), headers);
    for _ in 0..REQUESTS {
        if attacker.is_over() {
            return;
        }
        attacker.tally.tried();
        let sent = browser.write_all(&request);
        let answer = sent.and_then(|()| try_read_answer(&mut browser));
        attacker.tally.answered(&answer);
        if answer.is_err() {
            return;
        }
        attacker.rest(EVERY);
    }
}
