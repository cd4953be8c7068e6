//! The entrance to the engine: checks of vetted targets with sockets that all of them share.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use port_checker_api::{Challenge, Transport};
use tokio::time::Instant;

use crate::{
    budget::{Admission, Budget},
    check::Check,
    policy::Target,
    port_queue::PortQueue,
    reactor::Reactor,
    settings::ProbeSettings,
    tcp::{self, TcpTransport},
    udp::{IgnoredDatagrams, UdpTransport},
};

/// A kind of probe.
#[derive(Debug, Clone)]
pub enum Probe {
    /// A TCP connection to each port.
    Tcp {
        /// With a challenge a port is open only if its listener sends it.
        challenge: Option<Challenge>,
    },
    /// Datagrams to each port, 160 bytes for each attempt. A port is open only if its listener answers as
    /// [`UdpAnswer`](port_checker_api::UdpAnswer) says.
    ///
    /// Only for a caller who has proved to have the target's address: the target is sent datagrams.
    Udp {
        /// The end of every answer.
        challenge: Challenge,
    },
}

impl Probe {
    /// The probe over a transport; none without the challenge that the transport requires.
    pub fn over(transport: Transport, challenge: Option<Challenge>) -> Option<Self> {
        match (transport, challenge) {
            (Transport::Tcp, challenge) => Some(Self::Tcp { challenge }),
            (Transport::Udp, Some(challenge)) => Some(Self::Udp { challenge }),
            _ => None,
        }
    }

    /// The transport.
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Tcp { .. } => Transport::Tcp,
            Self::Udp { .. } => Transport::Udp,
        }
    }
}

/// Judges ports of vetted targets within a [`Budget`] that all checks share.
#[derive(Debug, Clone)]
pub struct Prober {
    settings: ProbeSettings,
    budget: Budget,
    reactor: Arc<Reactor>,
    ignored: Arc<IgnoredDatagrams>,
}

impl Prober {
    /// A prober that tries each port as `settings` say, with the sockets of `budget`.
    pub fn new(settings: ProbeSettings, budget: Budget) -> Self {
        Self { settings, budget, reactor: Arc::default(), ignored: Arc::default() }
    }

    /// The same prober, which makes at most `attempts` at each port.
    pub fn limited_to(&self, attempts: NonZeroU32) -> Self {
        let attempts = attempts.min(self.settings.attempts);
        Self { settings: ProbeSettings { attempts, ..self.settings }, ..self.clone() }
    }

    /// The sockets that all checks share.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The datagrams that arrived at the sockets of UDP probes and answered nothing.
    pub fn ignored_datagrams(&self) -> &IgnoredDatagrams {
        &self.ignored
    }

    /// Whether a socket can be opened at all, of either address family.
    ///
    /// # Errors
    /// The system refuses sockets of both families.
    pub fn can_open_sockets(&self) -> std::io::Result<()> {
        tcp::can_open()
    }

    /// Checks every port of `target` with this kind of probe, for at most `deadline`. Dropping the [`Check`] closes its sockets soon after.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn check(
        &self,
        admission: Admission,
        target: Target,
        probe: Probe,
        deadline: Duration,
    ) -> Check {
        let Admission { slot, first } = admission;
        let target = Arc::new(target);
        let ports = PortQueue::new(Arc::clone(&target), self.settings, slot);
        let deadline = Instant::now() + deadline;
        match probe {
            Probe::Tcp { challenge } => {
                let challenge = challenge.map(Arc::new);
                Check::begin(&ports, first, deadline, || {
                    let reactor = Arc::clone(&self.reactor);
                    TcpTransport::new(
                        Arc::clone(&target),
                        self.settings,
                        challenge.clone(),
                        reactor,
                    )
                })
            }
            Probe::Udp { challenge } => {
                let challenge = Arc::new(challenge);
                Check::begin(&ports, first, deadline, || {
                    UdpTransport::new(
                        Arc::clone(&target),
                        self.settings,
                        Arc::clone(&challenge),
                        Arc::clone(&self.ignored),
                        Arc::clone(&self.reactor),
                    )
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transport_has_a_probe_that_asks_for_a_challenge_if_the_contract_does() {
        let challenge: Challenge = "correct horse battery staple".parse().unwrap();
        for &transport in Transport::ALL {
            let probe = Probe::over(transport, Some(challenge.clone())).expect("a probe");
            assert_eq!(probe.transport(), transport);
            let without = Probe::over(transport, None);
            assert_eq!(without.is_none(), transport.requires_challenge(), "{transport:?}");
        }
    }
}
