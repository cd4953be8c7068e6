//! Kind E, fair by check and not by caller: one caller has many checks of ports that never answer.

use std::{net::Ipv4Addr, time::Duration};

use super::super::{
    attack::{Attack, Attacker},
    lab::{json, send, silent_check},
};

/// The ports that eight checks at once of a caller's own address may ask for without being refused.
const PORTS: u16 = 120;

/// The same by callers who are many. Not made unless it is asked for: sockets are shared by
/// caller, and who has many addresses has many shares.
pub(super) const MANY: char = 'N';

/// So many checks at once.
const CHECKS: usize = 8;

/// So many callers at once, each with one such check.
const CALLERS: usize = 24;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        kind: 'E',
        name: "one caller's checks of silent ports",
        threads: CHECKS,
        rest: Duration::from_millis(100),
        round: of_one_caller,
    },
    Attack {
        kind: MANY,
        name: "many callers' checks of silent ports",
        threads: CALLERS,
        rest: Duration::from_millis(100),
        round: of_many_callers,
    },
];

fn of_one_caller(attacker: &Attacker<'_>) {
    ask(attacker, attacker.address_of_turn());
}

fn of_many_callers(attacker: &Attacker<'_>) {
    ask(attacker, attacker.address());
}

fn ask(attacker: &Attacker<'_>, from: Ipv4Addr) {
    attacker.tally.tried();
    let request = json("/check-ports", "Connection: close\r\n", &silent_check(PORTS));
    attacker.tally.answered(&send(from, &request));
}
