//! The kinds of check, and the rules that differ between them.

use std::time::Duration;

use port_checker_api::Transport;
use port_checker_probe::Probe;

use crate::config::Config;

/// How long the charge may take that follows the last look at the clock: as long as Redis may take to answer.
const MAX_CHARGE_TIME: Duration = Duration::from_millis(250);

/// A kind of check. What the contract says of a transport is known to [`Transport`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckKind {
    /// Attempts at each port.
    Ports(Transport),
    /// A TLS handshake with one port.
    Tls,
}

/// The needs of a kind of check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Requirements {
    /// How long the check takes if the target never answers. The wait for a socket leaves as much.
    pub(super) silent_time: Duration,
    /// The check is refused if less time is left, because it could not give a verdict.
    pub(super) min_time: Duration,
}

impl From<&Probe> for CheckKind {
    fn from(probe: &Probe) -> Self {
        Self::Ports(probe.transport())
    }
}

impl CheckKind {
    /// The name in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ports(transport) => transport.name(),
            Self::Tls => "tls",
        }
    }

    /// The transport, if only the caller's own address is checked over it.
    pub(super) fn for_own_address_only(self) -> Option<Transport> {
        match self {
            Self::Ports(transport) => {
                Some(transport).filter(|transport| transport.is_for_own_address_only())
            }
            Self::Tls => None,
        }
    }

    /// The needs with these settings.
    pub(super) fn requirements(self, config: &Config) -> Requirements {
        match self {
            // Any attempt is worth making, however little time is left.
            Self::Ports(_) => {
                Requirements { silent_time: config.probe.longest(), min_time: Duration::ZERO }
            }
            // The one attempt has its whole time-out or gives no verdict.
            Self::Tls => {
                let is_shared = config.redis.is_some();
                let charge_time = if is_shared { MAX_CHARGE_TIME } else { Duration::ZERO };
                let time = config.probe.timeout + charge_time;
                Requirements { silent_time: time, min_time: time }
            }
        }
    }
}
