//! Kind C, memory for few bytes: bodies in chunks of one byte, and large ones kept while their checks last.

use std::{
    io::{self, Write},
    time::Duration,
};

use port_checker_testbed::http::try_read_answer;

use super::super::{
    attack::{Attack, Attacker},
    lab::{FIRST_SILENT, bare, json},
};

/// Chunks of one byte that a body is sent in.
const CHUNKS: usize = 300_000;

/// Nearly the largest body that is taken, in bytes.
const LARGE: usize = 1_000_000;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        kind: 'C',
        name: "bodies in chunks of one byte",
        threads: 8,
        rest: Duration::from_millis(500),
        round: in_chunks,
    },
    Attack {
        kind: 'C',
        name: "large bodies during slow checks",
        threads: 24,
        rest: Duration::from_millis(500),
        round: during_checks,
    },
];

/// The body does not end; the answer comes when its time is over.
fn in_chunks(attacker: &Attacker<'_>) {
    let Some(mut stream) = attacker.connect(attacker.address()) else { return };
    let headers = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let mut send = || {
        stream.write_all(&bare("POST", "/check-ports", headers))?;
        stream.write_all("1\r\n \r\n".repeat(CHUNKS).as_bytes())?;
        try_read_answer(&mut stream)
    };
    attacker.tally.answered(&send());
}

fn during_checks(attacker: &Attacker<'_>) {
    let Some(mut stream) = attacker.connect(attacker.address_of_turn()) else { return };
    let filler = "x".repeat(LARGE);
    let body = format!(r#"{{"ports":[{FIRST_SILENT}],"x":"{filler}"}}"#);
    let sent: io::Result<()> = stream.write_all(&json("/check-ports", "", &body));
    attacker.tally.answered(&sent.and_then(|()| try_read_answer(&mut stream)));
}
