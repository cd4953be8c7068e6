//! Kind G, the log at a stranger's rate: requests without an answer worth a line, and long methods.

use std::{io::Write, time::Duration};

use port_checker_testbed::http::try_read_answer;

use super::super::{
    attack::{Attack, Attacker},
    lab::{bare, connect, json, send, silent_check},
};

/// Requests over one connection.
const REQUESTS: usize = 500;

/// Characters of a long method, nearly as many as a head may have.
const LONG: usize = 15_900;

pub(super) const ATTACKS: &[Attack] = &[
    Attack { kind: 'G', name: "404s", threads: 2, rest: EVERY, round: not_found },
    Attack { kind: 'G', name: "abandoned checks", threads: 2, rest: EVERY, round: abandoned },
    Attack { kind: 'G', name: "long methods", threads: 2, rest: EVERY, round: long_method },
];

const EVERY: Duration = Duration::from_millis(5);

fn not_found(attacker: &Attacker<'_>) {
    let Ok(mut stream) = connect(attacker.address()) else { return };
    for number in 0..REQUESTS {
        if attacker.is_over() {
            return;
        }
        attacker.tally.tried();
        let sent = stream.write_all(&bare("GET", &format!("/nothing/{number}"), ""));
        let answer = sent.and_then(|()| try_read_answer(&mut stream));
        attacker.tally.answered(&answer);
        if answer.is_err() {
            return;
        }
        attacker.rest(Duration::from_millis(1));
    }
}

fn abandoned(attacker: &Attacker<'_>) {
    let Some(mut stream) = attacker.connect(attacker.address()) else { return };
    let sent = stream.write_all(&json("/check-ports", "", &silent_check(1)));
    attacker.tally.came_to(if sent.is_ok() { "sent and abandoned" } else { "not sent" });
}

fn long_method(attacker: &Attacker<'_>) {
    attacker.tally.tried();
    let request = bare(&"X".repeat(LONG), "/", "Connection: close\r\n");
    attacker.tally.answered(&send(attacker.address(), &request));
}
