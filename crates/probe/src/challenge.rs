//! Whether the listener that answers is the caller's own.

use std::io::{self, Read};

use port_checker_api::{Challenge, ChallengeOutcome};
use socket2::SockRef;
use subtle::ConstantTimeEq;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// The most that is read of what a listener sends, in bytes: the longest challenge and its line
/// feed fit, and an endless sender costs nothing.
const MOST_BYTES: usize = 256;

/// Reads one line, until `until` at the latest, and compares it with what is expected in a time
/// that does not tell where they differ. What was read is dropped.
///
/// # Errors
/// What the system said of the connection.
pub(crate) async fn read(
    stream: &TcpStream,
    expected: &Challenge,
    until: Instant,
) -> io::Result<ChallengeOutcome> {
    let mut buffer = [0; MOST_BYTES];
    let mut length = 0;
    while length < MOST_BYTES && !buffer[..length].contains(&b'\n') {
        let readable = timeout_at(until, stream.readable()).await;
        let in_time = readable.is_ok();
        let read = match readable {
            Ok(readable) => readable.and_then(|()| stream.try_read(&mut buffer[length..])),
            // It may have come while nobody looked, and past the runtime.
            Err(_) => (&*SockRef::from(stream)).read(&mut buffer[length..]),
        };
        match read {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !in_time => break,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(compare(&buffer[..length], expected))
}

fn compare(sent: &[u8], expected: &Challenge) -> ChallengeOutcome {
    let Some(end) = sent.iter().position(|&byte| byte == b'\n') else {
        let nothing = sent.is_empty();
        return if nothing { ChallengeOutcome::Silent } else { ChallengeOutcome::Mismatched };
    };
    match bool::from(sent[..end].ct_eq(expected.as_str().as_bytes())) {
        true => ChallengeOutcome::Matched,
        false => ChallengeOutcome::Mismatched,
    }
}
