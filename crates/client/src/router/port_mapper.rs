//! The mappings of one run: opened, renewed while it goes on, removed at its end.

use std::{convert::Infallible, fmt, future::pending, net::IpAddr, sync::Arc, time::Duration};

use crab_nat::pcp::Nonce;
use tokio::{
    select,
    sync::Notify,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{
    facts::{MappingProtocol, RouterFailureCause},
    known_router::{KnownRouter, Network},
    lease::{Granted, Lease},
    mapping_client::MappingClient,
    mapping_table::{Made, MappingTable},
    port_mapping::{MappingObstacle, MappingState, PortMapping},
    router_port::RouterPort,
};

/// The lease of a mapping: if the program is killed, the mapping is left for so long at most, unless the router
/// grants a longer one. Routers may take 120 s for the least.
const LEASE_SECONDS: u32 = 120;

/// The pause after a renewal that failed: short, for a router may grant a lease of a few seconds.
const RENEWAL_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Ports that are mapped in one run: more than that fill the tables of home routers.
const MAX_MAPPINGS: usize = 100;

/// How long all ports may take to be mapped: a router that takes 300 ms for each has done 100 then.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long all mappings may take to be removed. Those that are left end with their lease.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a router that does not answer is asked to remove a mapping.
const REMOVAL_ATTEMPTS: usize = 3;

/// Maps ports of this machine at its router: only to this machine, and never instead of another mapping.
///
/// [`keep_alive`](Self::keep_alive) must be awaited meanwhile, and [`close`](Self::close) at the end. Without
/// that the leases, of two minutes, end the mappings; a router that knows no leases keeps them.
pub struct PortMapper {
    /// The lease that mappings are left with, in seconds; none: they are removed.
    keep_seconds: Option<u32>,
    nonce: Nonce,
    /// [`MAX_MAPPINGS`] of its ports are mapped at most.
    table: MappingTable,
    /// A lease was added.
    added: Notify,
}

impl PortMapper {
    /// One that removes its mappings at the end; or leaves them, with a lease of so many seconds.
    pub fn new(keep_seconds: Option<u32>) -> Self {
        let mut bits = [0; 12];
        getrandom::fill(&mut bits).expect("the kernel has random numbers");
        let word = |index: usize| {
            u32::from_ne_bytes(bits[index * 4..][..4].try_into().expect("four of twelve bytes"))
        };
        let nonce = [word(0), word(1), word(2)];
        Self { keep_seconds, nonce, table: MappingTable::default(), added: Notify::new() }
    }

    /// What was done so far, for each port in the order they were asked for.
    pub fn mappings(&self) -> Vec<PortMapping> {
        self.table.mappings()
    }

    /// Renews the mappings, for as long as it is awaited.
    pub async fn keep_alive(&self) -> Infallible {
        loop {
            let renewals = self.table.made().into_iter().filter_map(|made| made.lease?.renew_at);
            let next = renewals.min();
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => pending().await,
                }
            };
            select! {
                () = self.added.notified() => {}
                () = due => self.renew_due().await,
            }
        }
    }

    /// Removes the mappings, or leaves them for as long as was asked for; returns what was done. Takes half a
    /// minute at most.
    pub async fn close(&self) -> Vec<PortMapping> {
        let until = Instant::now() + CLOSE_TIMEOUT;
        for made in self.table.made() {
            let ended = timeout_at(until, self.end(&made)).await;
            let state =
                ended.unwrap_or(Err(RouterFailureCause::NoAnswer)).unwrap_or_else(|cause| {
                    let until = made.lease.and_then(|lease| lease.ends());
                    MappingState::NotRemoved { cause, until }
                });
            self.table.ended(made.port, state);
        }
        self.mappings()
    }

    /// Opens mappings for ports that have none by this program, and returns those that have one then.
    pub(crate) async fn open(
        &self,
        known: &KnownRouter,
        network: Option<Network>,
        ports: &[RouterPort],
    ) -> Opened {
        let ports = ports.iter().copied().filter(|&port| !self.table.is_open(port));
        let ports: Vec<RouterPort> = ports.collect();
        let router = network.map(|network| network.uplink.gateway.into());
        let reason = match network {
            None => MappingObstacle::NoRouter,
            Some(_) => MappingObstacle::NoTime,
        };
        ports.iter().for_each(|port| self.table.enter(*port, router, reason.clone()));
        let mut opened = Opened::default();
        let Some(network) = network else { return opened };
        // Each port is in the table before the router is asked, and the outcome at once after that.
        let _ = timeout(OPEN_TIMEOUT, self.open_each(known, network, &ports, &mut opened)).await;
        opened
    }

    async fn open_each(
        &self,
        known: &KnownRouter,
        network: Network,
        ports: &[RouterPort],
        opened: &mut Opened,
    ) {
        let ways = MappingClient::ways(known, network, self.nonce).await;
        let mut clients = ways.into_iter().map(Arc::new).peekable();
        let room = MAX_MAPPINGS.saturating_sub(self.table.made().len());
        for &port in ports.iter().skip(room) {
            self.table.lost(port, MappingObstacle::TooMany);
        }
        let mut ports = ports.iter().take(room).peekable();
        while let (Some(client), Some(&&port)) = (clients.peek(), ports.peek()) {
            let protocol = client.protocol();
            match self.open_one(client, port).await {
                Ok(granted) => {
                    known.heard(network, protocol);
                    opened.protocol = Some(protocol);
                    opened.ports.push(port);
                    opened.address = opened.address.or(granted.address);
                    ports.next();
                }
                // A router that spoke it for an earlier port is overloaded, or gone.
                Err(MappingObstacle::Failed { cause })
                    if client.is_unknown(&cause) && !known.has_answered(network, protocol) =>
                {
                    known.not_spoken(network, protocol, &cause);
                    clients.next();
                }
                Err(obstacle) => {
                    match obstacle {
                        MappingObstacle::Failed { cause: RouterFailureCause::NoAnswer } => {
                            known.forget_service(network);
                        }
                        MappingObstacle::Failed { cause: RouterFailureCause::NoRoute } => {}
                        _ => known.heard(network, protocol),
                    }
                    ports.next();
                }
            }
        }
        ports.for_each(|&port| self.table.not_spoken(port));
    }

    async fn open_one(
        &self,
        client: &Arc<MappingClient>,
        port: RouterPort,
    ) -> Result<Granted, MappingObstacle> {
        self.table.asked(port, client);
        let opened = client.open(port, LEASE_SECONDS).await;
        match &opened {
            Ok(granted) => self.granted(port, granted),
            Err(reason) => self.table.lost(port, reason.clone()),
        }
        opened
    }

    async fn renew_due(&self) {
        let now = Instant::now();
        let is_due = |made: &Made| {
            made.lease.and_then(|lease| lease.renew_at).is_some_and(|renew_at| renew_at <= now)
        };
        for made in self.table.made().into_iter().filter(is_due) {
            match made.client.renew(made.port, LEASE_SECONDS).await {
                Ok(granted) => self.granted(made.port, &granted),
                Err(MappingObstacle::Failed { .. }) => {
                    self.table.postponed(made.port, Instant::now() + RENEWAL_RETRY_PAUSE);
                }
                Err(reason) => self.table.lost(made.port, reason),
            }
        }
    }

    fn granted(&self, port: RouterPort, granted: &Granted) {
        self.table.granted(port, granted);
        self.added.notify_one();
    }

    /// Takes note whether checkers reached the ports that are mapped.
    pub(crate) fn judged(&self, is_accessible: impl Fn(&PortMapping) -> Option<bool>) {
        self.table.judged(is_accessible);
    }

    /// Ends a mapping as was asked for.
    async fn end(&self, made: &Made) -> Result<MappingState, RouterFailureCause> {
        let permanent = made.lease.is_some_and(|lease| lease.seconds.is_none());
        if let (Some(seconds), Some(_), false) = (self.keep_seconds, made.lease, permanent)
            && let Ok(granted) = made.client.leave(made.port, seconds).await
            && let Some(until) = Lease::begins(granted.lease_seconds, Duration::MAX).ends()
        {
            return Ok(MappingState::Kept { until });
        }
        let remove = || made.client.remove(made.port, made.lease.is_some());
        let mut removed = remove().await;
        for _ in 1..REMOVAL_ATTEMPTS {
            if removed != Err(RouterFailureCause::NoAnswer) {
                break;
            }
            removed = remove().await;
        }
        removed.map(|()| MappingState::Removed { permanent })
    }
}

/// The mappings that were opened.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// The ports.
    pub(crate) ports: Vec<RouterPort>,
    /// How the router was asked; none if it opened no port.
    pub(crate) protocol: Option<MappingProtocol>,
    /// The router's address on the Internet's side, if it was told.
    pub(crate) address: Option<IpAddr>,
}

impl fmt::Debug for PortMapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortMapper").field("mappings", &self.mappings()).finish()
    }
}
