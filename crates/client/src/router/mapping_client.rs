//! One protocol for mappings behind another: what each can promise about mappings of others.
//!
//! UPnP is asked for the mapping of a port before it is made, renewed or removed. PCP and NAT-PMP map to the sender
//! only. A mapping that another program of this machine made for the same port is the same mapping over NAT-PMP, and
//! for `miniupnpd` over PCP too: it renews a mapping whatever the nonce, which then is that of its maker.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use crab_nat::pcp::Nonce;
use tokio::time::{Instant, timeout};

use super::{
    facts::{MappingEntry, MappingProtocol, RouterFailureCause},
    igd::Service,
    known_router::{KnownRouter, Network},
    lease::Granted,
    nat_pmp, pcp,
    pcp_packet::UNSUPPORTED_VERSION,
    port_mapping::MappingObstacle,
    router_port::RouterPort,
    uplink::Uplink,
};

/// How long the router's description is searched for.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one request over UPnP may take: routers answer within milliseconds, and a busy one within a second.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// `OnlyPermanentLeasesSupported` of WANIPConnection:1.
const ONLY_PERMANENT_LEASES: u16 = 725;

/// Makes, renews and removes mappings of ports to this machine at its gateway.
pub(super) enum MappingClient {
    Igd(IgdClient),
    Pcp { gateway: Ipv4Addr, client: Ipv4Addr, nonce: Nonce },
    NatPmp { gateway: Ipv4Addr },
}

impl MappingClient {
    /// The ways to ask, the best first, without those that the router is known not to speak. A router that speaks
    /// UPnP is not asked in another way: there it says whose mapping a port has.
    pub(super) async fn ways(known: &KnownRouter, network: Network, nonce: Nonce) -> Vec<Self> {
        let Uplink { gateway, client } = network.uplink;
        match known.service(network, Instant::now() + SEARCH_TIMEOUT).await {
            Ok(service) => {
                let mark = format!("port-checker verify {:08x}", nonce[0]);
                vec![Self::Igd(IgdClient { service, client, mark })]
            }
            Err(_) => {
                let ways = [Self::Pcp { gateway, client, nonce }, Self::NatPmp { gateway }];
                let spoken = |way: &Self| known.spoken(network, way.protocol()).is_ok();
                ways.into_iter().filter(spoken).collect()
            }
        }
    }

    pub(super) const fn protocol(&self) -> MappingProtocol {
        match self {
            Self::Igd(_) => MappingProtocol::UpnpIgd,
            Self::Pcp { .. } => MappingProtocol::Pcp,
            Self::NatPmp { .. } => MappingProtocol::NatPmp,
        }
    }

    /// Whether the router turned out not to speak the protocol. One that speaks UPnP was found before.
    pub(super) fn is_unknown(&self, cause: &RouterFailureCause) -> bool {
        use RouterFailureCause::{NoAnswer, Refused};
        const OTHER_VERSION: RouterFailureCause = Refused(UNSUPPORTED_VERSION);
        !matches!(self, Self::Igd(_)) && [NoAnswer, OTHER_VERSION].contains(cause)
    }

    /// Maps a port that is not mapped.
    pub(super) async fn open(
        &self,
        port: RouterPort,
        lease_seconds: u32,
    ) -> Result<Granted, MappingObstacle> {
        if let Self::Igd(igd) = self {
            match igd.entry(port).await? {
                MappingEntry::NotMapped => {}
                MappingEntry::Mapped { to, .. } if to.ip() == igd.client => {
                    return Err(MappingObstacle::AlreadyMapped { to });
                }
                MappingEntry::Mapped { to, .. } => return Err(MappingObstacle::Taken { to }),
                MappingEntry::Unknown => return Err(RouterFailureCause::Malformed.into()),
            }
        }
        self.map(port, lease_seconds).await
    }

    /// Renews a mapping that this client made.
    pub(super) async fn renew(
        &self,
        port: RouterPort,
        lease_seconds: u32,
    ) -> Result<Granted, MappingObstacle> {
        if let Self::Igd(igd) = self
            && let MappingEntry::Mapped { to, .. } = igd.entry(port).await?
            && to != igd.own(port)
        {
            return Err(MappingObstacle::Taken { to });
        }
        self.map(port, lease_seconds).await
    }

    /// Leaves a mapping that this client made, for so long from now. Over UPnP it is made anew: `miniupnpd` takes a
    /// shorter lease, but looks after it only when the earlier one would have ended.
    pub(super) async fn leave(
        &self,
        port: RouterPort,
        lease_seconds: u32,
    ) -> Result<Granted, MappingObstacle> {
        if let Self::Igd(_) = self {
            self.remove(port, true).await?;
        }
        self.renew(port, lease_seconds).await
    }

    /// Removes the mapping, if it still leads to this machine. If the router's consent to it was not seen,
    /// it must also bear the mark of this client.
    pub(super) async fn remove(
        &self,
        port: RouterPort,
        consented: bool,
    ) -> Result<(), RouterFailureCause> {
        match self {
            Self::Igd(igd) => match igd.entry(port).await? {
                MappingEntry::Mapped { to, description, .. }
                    if to == igd.own(port) && (consented || description == igd.mark) =>
                {
                    in_time(igd.service.delete_mapping(port)).await
                }
                _ => Ok(()),
            },
            Self::Pcp { gateway, client, nonce } => {
                pcp::unmap(*gateway, *client, *nonce, port).await
            }
            Self::NatPmp { gateway } => nat_pmp::unmap(*gateway, port).await,
        }
    }

    async fn map(&self, port: RouterPort, lease_seconds: u32) -> Result<Granted, MappingObstacle> {
        let granted = match self {
            Self::Igd(igd) => igd.map(port, lease_seconds).await?,
            Self::Pcp { gateway, client, nonce } => {
                pcp::map(*gateway, *client, *nonce, port, lease_seconds).await?
            }
            Self::NatPmp { gateway } => nat_pmp::map(*gateway, port, lease_seconds).await?,
        };
        if granted.external_port == port.get() {
            return Ok(granted);
        }
        // Over NAT-PMP it may be a mapping that another program of this machine made; a new one ends by
        // itself.
        if let Self::Pcp { .. } = self {
            self.remove(port, true).await?;
        }
        Err(MappingObstacle::OtherPort { offered: granted.external_port })
    }
}

/// The mappings over UPnP.
pub(super) struct IgdClient {
    pub(super) service: Arc<Service>,
    /// This machine.
    pub(super) client: Ipv4Addr,
    /// The description of the mappings of this run.
    pub(super) mark: String,
}

impl IgdClient {
    /// Where its mapping of a port leads.
    fn own(&self, port: RouterPort) -> SocketAddr {
        (self.client, port.get()).into()
    }

    async fn entry(&self, port: RouterPort) -> Result<MappingEntry, RouterFailureCause> {
        in_time(self.service.mapping(port.get(), port.transport)).await
    }

    async fn map(&self, port: RouterPort, lease: u32) -> Result<Granted, RouterFailureCause> {
        let add = |lease| in_time(self.service.add_mapping(port, self.client, &self.mark, lease));
        let lease_seconds = match add(lease).await {
            Ok(()) => Some(lease),
            Err(RouterFailureCause::Refused(ONLY_PERMANENT_LEASES)) => {
                add(0).await?;
                None
            }
            Err(cause) => return Err(cause),
        };
        Ok(Granted { external_port: port.get(), lease_seconds, address: None })
    }
}

impl From<RouterFailureCause> for MappingObstacle {
    fn from(cause: RouterFailureCause) -> Self {
        Self::Failed { cause }
    }
}

async fn in_time<T>(
    request: impl Future<Output = Result<T, RouterFailureCause>>,
) -> Result<T, RouterFailureCause> {
    timeout(REQUEST_TIMEOUT, request).await.unwrap_or(Err(RouterFailureCause::NoAnswer))
}
