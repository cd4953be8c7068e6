//! Failures on the checker's own side.

use std::{io, net::SocketAddr};

use strum::{IntoStaticStr, VariantArray};

/// The checker could not judge. Says nothing about the target.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The checker's own system would not let it try.
    #[error("the checker could not {operation} for {address}: {source}")]
    System {
        /// The operation that failed.
        operation: &'static str,
        /// For which target.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The request's deadline came first.
    #[error("the request's deadline passed with {unjudged} of {ports} ports not judged")]
    DeadlinePassed {
        /// How many ports have no verdict.
        unjudged: usize,
        /// How many ports were asked for.
        ports: usize,
    },
}

/// The kind of resource that the checker lacked; few enough to count each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// No more file descriptors (`EMFILE`, `ENFILE`).
    Descriptors,
    /// No free local port, or no local address of the target's family (`EADDRNOTAVAIL`).
    LocalAddress,
    /// No buffers or memory (`ENOBUFS`, `ENOMEM`, `EAGAIN`).
    Memory,
    /// Not allowed to send (`EPERM`, `EACCES`).
    Permission,
    /// No route, or no support for the target's address family.
    Route,
    /// No time.
    Deadline,
    /// Anything else the system said.
    Other,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The kind's name in logs and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Fault {
    /// The kind of this fault.
    pub fn kind(&self) -> FaultKind {
        let Self::System { source, .. } = self else { return FaultKind::Deadline };
        match source.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => FaultKind::Descriptors,
            Some(libc::EADDRNOTAVAIL | libc::EADDRINUSE) => FaultKind::LocalAddress,
            Some(libc::ENOBUFS | libc::ENOMEM | libc::EAGAIN) => FaultKind::Memory,
            // The only way to be refused before anything was sent.
            Some(libc::EPERM | libc::EACCES | libc::ECONNREFUSED) => FaultKind::Permission,
            Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EAFNOSUPPORT | libc::EINVAL) => {
                FaultKind::Route
            }
            _ => FaultKind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metrics and logs tell kinds apart by their names.
    #[test]
    fn each_kind_has_a_name_of_its_own() {
        let mut names: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
        let is_label = |name: &&str| name.chars().all(|it| it.is_ascii_lowercase() || it == '_');
        assert!(names.iter().all(is_label) && names.contains(&"descriptors"), "{names:?}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FaultKind::ALL.len(), "{names:?}");
    }
}
