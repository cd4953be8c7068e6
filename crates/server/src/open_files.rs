//! The open-file limit, and how its descriptors are shared out.

use std::io;

/// Descriptors kept for what is neither a client nor a probe: standard streams, the listener, the
/// poller, signals, connections to other services.
const RESERVED: u64 = 32;

/// At most this part of the rest is for clients.
const CLIENT_SHARE: u64 = 4;

/// Connections from clients, at least and at most.
const CLIENTS: (u64, u64) = (8, 16_384);

/// More probes at once gain nothing: memory and the tables of the routers on the way come first.
const MOST_PROBES: u64 = 32_768;

/// How many descriptors this process may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    limit: u64,
}

impl OpenFiles {
    /// Raises the soft limit to the hard one and takes what it is then.
    ///
    /// # Errors
    /// The system did not tell its limits.
    pub fn raise() -> io::Result<Self> {
        let limit = rlimit::increase_nofile_limit(u64::MAX)?;
        Ok(Self { limit })
    }

    /// A limit of `limit` descriptors.
    pub const fn of(limit: u64) -> Self {
        Self { limit }
    }

    /// The limit.
    pub const fn limit(self) -> u64 {
        self.limit
    }

    /// How many clients may be connected at once.
    pub fn clients(self) -> usize {
        narrow((self.spare() / CLIENT_SHARE).clamp(CLIENTS.0, CLIENTS.1))
    }

    /// How many sockets for probes there is room for beside the clients.
    pub fn room_for_probes(self) -> usize {
        narrow(self.spare().saturating_sub(self.clients() as u64).max(1))
    }

    /// How many sockets for probes may be open at once, unless a setting says otherwise.
    pub fn probes(self) -> usize {
        self.room_for_probes().min(narrow(MOST_PROBES))
    }

    fn spare(self) -> u64 {
        self.limit.saturating_sub(RESERVED)
    }
}

fn narrow(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_limits_are_shared_out() {
        let cases = [
            (64, 8, 24, "the least that works"),
            (1_024, 248, 744, "the usual soft limit"),
            (1_048_576, 16_384, 32_768, "the usual hard limit: more than is of use"),
            (u64::MAX, 16_384, 32_768, "no limit"),
        ];
        for (limit, clients, probes, why) in cases {
            let files = OpenFiles::of(limit);
            assert_eq!((files.clients(), files.probes()), (clients, probes), "{why}");
            assert!((files.clients() + files.probes()) as u64 + RESERVED <= limit, "{why}");
        }
    }
}
