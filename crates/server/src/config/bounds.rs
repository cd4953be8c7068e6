//! Bounds on the memory and time that clients can take. These are not settings.

use std::time::Duration;

use super::open_files::OpenFiles;

/// The open-file limit that the defaults assume, until [`Config::resolve`](crate::Config::resolve) is
/// told the real one.
pub(super) const USUAL_OPEN_FILES: OpenFiles = OpenFiles::of(1024);

/// Bounds on the memory and time that clients can take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Connections open at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How long a TLS handshake may take, the wait for its turn included.
    pub handshake_time: Duration,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
    /// How long an HTTP/2 connection takes further requests.
    pub http2_time: Duration,
    /// Connections that may speak HTTP/2 at once; to further ones HTTP/1.1 is offered. They may keep far
    /// more than others: a head in part, answers on each stream.
    pub http2_connections: usize,
    /// How long a client may take to send a request's head, and how long an idle connection is
    /// kept for the next request.
    pub head_time: Duration,
    /// How long a client may take to send a body.
    pub body_time: Duration,
    /// How long a client may make an answer wait before the connection is closed: in all, however often
    /// it takes a little of it.
    pub answer_time: Duration,
    /// How large a head may be, in bytes.
    pub head_bytes: usize,
    /// How large a body may be, in bytes: all 65,535 ports fit, even one to a line.
    pub body_bytes: u64,
    /// How much memory bodies and answers of all requests may take together, in bytes.
    pub memory_bytes: usize,
    /// How long after the signal to stop an idle connection is kept, so that a request already on
    /// its way is answered.
    pub last_requests_time: Duration,
    /// How long after the signal to stop a connection may last, beyond the deadline of a check.
    pub drain_margin: Duration,
}

/// The memory of the program without clients, in bytes: its code, the limits of callers and targets, its threads.
const PROGRAM_BYTES: u64 = 64 << 20;

/// The memory of a probe with its socket, in bytes, the kernel's part included.
const PROBE_BYTES: u64 = 4 << 10;

/// The memory that parsing can take for a moment on each processor, in bytes: a body of the largest size is
/// taken apart into values, each larger than its text.
const PARSING_BYTES: u64 = 64 << 20;

impl Bounds {
    /// The most memory of one connection, in bytes: a head in part, data that was read, encrypted and written
    /// ahead, a request under way, and the kernel's part.
    pub const CONNECTION_BYTES: u64 = 128 << 10;

    /// The most further memory of a connection that speaks HTTP/2, in bytes: a decoded head in part, a body that
    /// has come and was not read, and 32 requests under way.
    pub const HTTP2_BYTES: u64 = 640 << 10;

    /// The most memory of the process, in bytes, for any behaviour of clients, with so many sockets for probes
    /// and so many processors.
    pub fn max_memory(&self, probes: usize, processors: usize) -> u64 {
        let http2 = self.http2_connections.min(self.connections);
        PROGRAM_BYTES
            + self.connections as u64 * Self::CONNECTION_BYTES
            + http2 as u64 * Self::HTTP2_BYTES
            + self.memory_bytes as u64
            + probes as u64 * PROBE_BYTES
            + processors as u64 * PARSING_BYTES
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: USUAL_OPEN_FILES.clients_beside(0),
            handshake_time: Duration::from_secs(10),
            streams: 32,
            http2_time: Duration::from_secs(600),
            http2_connections: 1024,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(10),
            answer_time: Duration::from_secs(60),
            head_bytes: 16 * 1024,
            body_bytes: 1024 * 1024,
            memory_bytes: 128 * 1024 * 1024,
            last_requests_time: Duration::from_secs(1),
            drain_margin: Duration::from_secs(5),
        }
    }
}
