//! What a client may make this process hold or wait for. These are not settings.

use std::time::Duration;

use crate::OpenFiles;

/// The open-file limit that the defaults assume, until [`Config::resolve`](super::Config::resolve) is
/// told the real one.
pub(super) const USUAL_OPEN_FILES: OpenFiles = OpenFiles::of(1024);

/// What a client may make this process hold or wait for.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Connections open at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How long a TLS handshake may take, the wait for its turn included.
    pub handshake_time: Duration,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
    /// How long an HTTP/2 connection takes further requests, and how long after that it is given to
    /// take its answers.
    pub http2_time: Duration,
    /// How long a client may take to send a request's head, and how long an idle connection is
    /// kept for the next request.
    pub head_time: Duration,
    /// How long a client may take to send a body.
    pub body_time: Duration,
    /// How long a client may take to read a part of an answer before the connection is closed.
    pub write_time: Duration,
    /// How large a head may be, in bytes.
    pub head_bytes: usize,
    /// How large a body may be, in bytes: all 65,535 ports fit, even one to a line.
    pub body_bytes: u64,
    /// How large the bodies that arrive now may be together, in bytes.
    pub bodies_bytes: usize,
    /// How long after the signal to stop an idle connection is kept, so that a request already on
    /// its way is answered.
    pub last_requests_time: Duration,
    /// How long after the signal to stop a connection may last, beyond the deadline of a check.
    pub drain_margin: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: USUAL_OPEN_FILES.clients_beside(0),
            handshake_time: Duration::from_secs(10),
            streams: 32,
            http2_time: Duration::from_secs(600),
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            head_bytes: 16 * 1024,
            body_bytes: 1024 * 1024,
            bodies_bytes: 64 * 1024 * 1024,
            last_requests_time: Duration::from_secs(1),
            drain_margin: Duration::from_secs(5),
        }
    }
}
