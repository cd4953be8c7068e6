//! Whether the listener that answers is the caller's own.

use std::io::{self, Read};

use port_checker_api::{Challenge, ChallengeOutcome};
use socket2::SockRef;
use subtle::ConstantTimeEq;

/// The most that is read from a listener, in bytes: the longest challenge and its line
/// feed fit, and an endless sender costs nothing.
const MAX_BYTES: usize = 256;

/// The line that a listener sends, as far as it has arrived.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    received: Vec<u8>,
}

impl Reply {
    /// Reads the bytes that have arrived. Returns whether that is all: a line, the end of the stream, or as much
    /// as is read.
    ///
    /// # Errors
    /// The error of the socket: the connection was reset, or broke.
    pub(crate) fn read(&mut self, socket: &SockRef<'_>) -> io::Result<bool> {
        while !self.is_whole() {
            let mut part = [0; MAX_BYTES];
            let free = &mut part[self.received.len()..];
            match (&mut &**socket).read(free) {
                Ok(0) => return Ok(true),
                Ok(count) => self.received.extend_from_slice(&free[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn is_whole(&self) -> bool {
        self.received.len() == MAX_BYTES || self.received.contains(&b'\n')
    }

    /// Compares the line with the expected one, in constant time.
    pub(crate) fn outcome(&self, expected: &Challenge) -> ChallengeOutcome {
        let Some(end) = self.received.iter().position(|&byte| byte == b'\n') else {
            return match self.received.is_empty() {
                true => ChallengeOutcome::Silent,
                false => ChallengeOutcome::Mismatched,
            };
        };
        match bool::from(self.received[..end].ct_eq(expected.as_str().as_bytes())) {
            true => ChallengeOutcome::Matched,
            false => ChallengeOutcome::Mismatched,
        }
    }
}
