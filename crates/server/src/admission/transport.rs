//! How a target is spoken to.

/// How a target is spoken to. Each kind has its needs, and rules about who may ask for it; see
/// [`control`](super::control).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A TCP connection to each port.
    Tcp,
    /// A TLS handshake with one port.
    Tls,
}

impl Transport {
    /// The transport's name in the debug log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}
