//! Kind D, one's allowance spent by others: strangers without number ask about one victim, directly and
//! through a proxy that the service trusts.

use std::{io::Write, time::Duration};

use port_checker_testbed::http::try_read_answer;

use super::super::{
    attack::{Attack, Attacker},
    honest::VICTIM,
    lab::{PROXY, connect, json, send},
};

/// The ports that each asks for at once: so few that it is admitted however little is left.
const PORTS: u16 = 4;

/// Between two requests of each, which all together ask for some hundred ports a second.
const EVERY: Duration = Duration::from_millis(100);

/// Requests that a proxy passes on over one connection.
const PASSED_ON: usize = 50;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        kind: 'D',
        name: "strangers ask about a victim",
        threads: 3,
        rest: EVERY,
        round: directly,
    },
    Attack {
        kind: 'D',
        name: "the same through a trusted proxy",
        threads: 2,
        rest: EVERY,
        round: through_proxy,
    },
];

fn body() -> String {
    let ports: Vec<u16> = (3000..3000 + PORTS).collect();
    format!(r#"{{"provider_ip":"{VICTIM}","ports":{ports:?}}}"#)
}

fn directly(attacker: &Attacker<'_>) {
    attacker.tally.tried();
    let request = json("/check-ports", "Connection: close\r\n", &body());
    attacker.tally.answered(&send(attacker.address(), &request));
}

fn through_proxy(attacker: &Attacker<'_>) {
    let Ok(mut proxy) = connect(PROXY) else { return };
    for _ in 0..PASSED_ON {
        if attacker.is_over() {
            return;
        }
        attacker.tally.tried();
        let forwarded = format!("X-Forwarded-For: {}\r\n", attacker.address());
        let sent = proxy.write_all(&json("/check-ports", &forwarded, &body()));
        let answer = sent.and_then(|()| try_read_answer(&mut proxy));
        attacker.tally.answered(&answer);
        if answer.is_err() {
            return;
        }
        attacker.rest(EVERY);
    }
}
