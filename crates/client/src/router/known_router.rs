//! What earlier questions have shown of the router: the protocols that it speaks, and where it speaks UPnP.
//!
//! Its answers are not kept, as somebody may change its settings between two questions. The search is: a router
//! that does not speak a protocol cannot be told from one that is slow without a wait.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::{
    facts::{MappingProtocol, RouterFailureCause},
    igd::Service,
    uplink::Uplink,
};

/// How long it is known where a router speaks UPnP. One that does not answer there is searched for again earlier.
const MAX_SERVICE_AGE: Duration = Duration::from_secs(3600);

/// How long a protocol that was not spoken is not asked for again: a router that starts, or whose owner turns a
/// protocol on, is noticed within this time.
const MAX_SILENCE_AGE: Duration = Duration::from_secs(300);

/// The router of one network at a time.
#[derive(Default)]
pub(crate) struct KnownRouter(Mutex<Known>);

#[derive(Default)]
struct Known {
    network: Option<Network>,
    /// Where it speaks UPnP, and when that was found.
    service: Option<(Arc<Service>, Instant)>,
    /// The protocols over which it has answered.
    heard: Vec<MappingProtocol>,
    /// The protocols that it does not speak, each once, and when that was found.
    silent: Vec<(MappingProtocol, RouterFailureCause, Instant)>,
}

/// If one of these changes, this machine may be before another router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// The way to the router.
    pub(crate) uplink: Uplink,
    /// The address from which checkers see this machine.
    pub(crate) seen: Option<IpAddr>,
}

impl KnownRouter {
    /// The router's service of UPnP, which is searched for until then unless it is known.
    pub(super) async fn service(
        &self,
        network: Network,
        until: Instant,
    ) -> Result<Arc<Service>, RouterFailureCause> {
        if let Some(service) = self.of(network).service(Instant::now()) {
            return Ok(service);
        }
        self.spoken(network, MappingProtocol::UpnpIgd)?;
        let Uplink { gateway, client } = network.uplink;
        let found = timeout_at(until, Service::find(gateway, client)).await;
        let found = found.unwrap_or(Err(RouterFailureCause::NoAnswer)).map(Arc::new);
        match &found {
            Ok(service) => self.of(network).service = Some((Arc::clone(service), Instant::now())),
            Err(cause) => self.not_spoken(network, MappingProtocol::UpnpIgd, cause),
        }
        found
    }

    /// The service does not answer: it is searched for the next time.
    pub(super) fn forget_service(&self, network: Network) {
        self.of(network).service = None;
    }

    /// Whether the router may speak a protocol.
    ///
    /// # Errors
    /// It did not a short time ago.
    pub(super) fn spoken(
        &self,
        network: Network,
        protocol: MappingProtocol,
    ) -> Result<(), RouterFailureCause> {
        self.of(network).spoken(protocol, Instant::now())
    }

    /// The router has answered over a protocol.
    pub(super) fn heard(&self, network: Network, protocol: MappingProtocol) {
        let mut known = self.of(network);
        if !known.heard.contains(&protocol) {
            known.heard.push(protocol);
        }
    }

    /// Whether it has ever answered over a protocol: then silence is about a request.
    pub(super) fn has_answered(&self, network: Network, protocol: MappingProtocol) -> bool {
        self.of(network).heard.contains(&protocol)
    }

    /// The router was found not to speak a protocol.
    pub(super) fn not_spoken(
        &self,
        network: Network,
        protocol: MappingProtocol,
        cause: &RouterFailureCause,
    ) {
        // Without a route nothing was asked.
        if *cause != RouterFailureCause::NoRoute {
            let mut known = self.of(network);
            known.silent.retain(|(other, ..)| *other != protocol);
            known.heard.retain(|other| *other != protocol);
            known.silent.push((protocol, cause.clone(), Instant::now()));
        }
    }

    /// What is known in this network.
    fn of(&self, network: Network) -> MutexGuard<'_, Known> {
        let mut known = self.0.lock().expect("nothing panics while it is held");
        if known.network != Some(network) {
            *known = Known { network: Some(network), ..Known::default() };
        }
        known
    }
}

impl Known {
    fn service(&self, now: Instant) -> Option<Arc<Service>> {
        let (service, found) = self.service.as_ref()?;
        (now.duration_since(*found) < MAX_SERVICE_AGE).then(|| Arc::clone(service))
    }

    fn spoken(&self, protocol: MappingProtocol, now: Instant) -> Result<(), RouterFailureCause> {
        let silent = self.silent.iter().find(|(other, ..)| *other == protocol);
        let silent = silent.filter(|(.., found)| now.duration_since(*found) < MAX_SILENCE_AGE);
        silent.map_or(Ok(()), |(_, cause, _)| Err(cause.clone()))
    }
}

impl fmt::Debug for KnownRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownRouter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NAT_PMP: MappingProtocol = MappingProtocol::NatPmp;
    const SILENT: RouterFailureCause = RouterFailureCause::NoAnswer;

    fn network(gateway: u8, seen: u8) -> Network {
        let of = |last| Ipv4Addr::new(192, 168, 1, last);
        let uplink = Uplink { gateway: of(gateway), client: of(10) };
        Network { uplink, seen: Some(Ipv4Addr::new(203, 0, 113, seen).into()) }
    }

    #[test]
    fn a_silent_protocol_is_asked_for_again_after_a_while() {
        let (router, home) = (KnownRouter::default(), network(1, 7));
        assert_eq!(router.spoken(home, NAT_PMP), Ok(()), "nobody knows");
        router.not_spoken(home, NAT_PMP, &SILENT);
        assert_eq!(router.spoken(home, NAT_PMP), Err(SILENT));
        assert_eq!(router.spoken(home, MappingProtocol::Pcp), Ok(()), "another protocol");
        let later = Instant::now() + MAX_SILENCE_AGE;
        assert_eq!(router.of(home).spoken(NAT_PMP, later), Ok(()), "it may be turned on now");
    }

    #[test]
    fn nothing_is_known_of_the_router_of_another_network() {
        for other in [network(2, 7), network(1, 8)] {
            let router = KnownRouter::default();
            router.not_spoken(network(1, 7), NAT_PMP, &SILENT);
            assert_eq!(router.spoken(other, NAT_PMP), Ok(()), "{other:?}");
        }
    }

    #[test]
    fn nothing_is_known_of_a_router_to_which_there_was_no_way() {
        let (router, home) = (KnownRouter::default(), network(1, 7));
        router.not_spoken(home, NAT_PMP, &RouterFailureCause::NoRoute);
        assert_eq!(router.spoken(home, NAT_PMP), Ok(()));
    }
}
