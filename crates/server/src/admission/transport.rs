//! The protocol spoken with a target.

use port_checker_probe::Probe;

/// The protocol spoken with a target. Each kind has its needs, and rules about who may ask for it; see
/// [`control`](super::control).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A TCP connection to each port.
    Tcp,
    /// Datagrams to each port.
    Udp,
    /// A TLS handshake with one port.
    Tls,
}

impl Transport {
    /// The transport of a kind of probe.
    pub(crate) const fn of(probe: &Probe) -> Self {
        match probe {
            Probe::Tcp { .. } => Self::Tcp,
            Probe::Udp { .. } => Self::Udp,
        }
    }

    /// The transport's name in the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Tls => "tls",
        }
    }
}
