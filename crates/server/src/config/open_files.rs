//! The open-file limit, and how its descriptors are shared out.

use std::io;

/// Descriptors kept for other uses than clients and probes: standard streams, listeners, pollers,
/// signals, connections to other services.
const RESERVED: u64 = 32;

/// The part of the rest that is for clients, where descriptors are few.
const CLIENT_SHARE: u64 = 4;

/// Where descriptors are many, those beyond this many probes are for clients first.
const ENOUGH_PROBES: u64 = 8_192;

/// Connections from clients, at least and at most.
const CLIENTS: (u64, u64) = (8, 16_384);

/// More probes at once gain nothing: memory and the tables of the routers on the way come first.
const MAX_PROBES: u64 = 32_768;

/// How many descriptors this process may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    limit: u64,
}

impl OpenFiles {
    /// Raises the soft limit to the hard one and takes the result.
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

    /// How many sockets for probes may be open at once, unless a setting says otherwise.
    pub fn probes(self) -> usize {
        let left = self.spare().saturating_sub(self.clients());
        narrow(left.clamp(1, MAX_PROBES))
    }

    /// The most sockets for probes that leave room for the fewest clients.
    pub fn max_probes(self) -> usize {
        narrow(self.spare().saturating_sub(CLIENTS.0).max(1))
    }

    /// How many clients may be connected at once beside `probes` sockets.
    pub fn clients_beside(self, probes: usize) -> usize {
        let left = self.spare().saturating_sub(probes as u64);
        narrow(left.clamp(CLIENTS.0, CLIENTS.1).min(self.clients()))
    }

    fn clients(self) -> u64 {
        let beyond_probes = self.spare().saturating_sub(ENOUGH_PROBES);
        (self.spare() / CLIENT_SHARE).max(beyond_probes).clamp(CLIENTS.0, CLIENTS.1)
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
            (20_000, 11_776, 8_192, "a machine with some"),
            (1_048_576, 16_384, 32_768, "the usual hard limit: more than is of use"),
            (u64::MAX, 16_384, 32_768, "no limit"),
        ];
        for (limit, clients, probes, why) in cases {
            let files = OpenFiles::of(limit);
            assert_eq!((files.clients_beside(probes), files.probes()), (clients, probes), "{why}");
            assert!((clients + probes) as u64 + RESERVED <= limit, "{why}");
        }
    }

    #[test]
    fn more_probes_leave_fewer_clients() {
        let files = OpenFiles::of(20_000);
        assert_eq!(files.clients_beside(10_000), 9_968);
        assert_eq!(files.clients_beside(files.max_probes()), 8);
        assert_eq!(files.clients_beside(1), 11_776, "fewer probes do not mean more clients");
    }
}
