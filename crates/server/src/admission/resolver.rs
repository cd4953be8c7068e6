//! From a host name to its addresses: one look-up, whose answer is all that is used.

use std::{net::IpAddr, sync::Arc, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::LookupIpStrategy,
    net::{DnsError, NetError, NoRecords},
    proto::{op::ResponseCode, rr::Name},
};
use tokio::{sync::OnceCell, time::timeout};
use tracing::debug;

use super::caller_slots::CallerSlots;

/// Look-ups at once. Each has two sockets, and all of them must fit into the descriptors that are kept
/// for other uses than clients and probes.
const MAX_LOOKUPS: usize = 8;

/// How long a look-up may take, the wait for a slot not included.
pub(crate) const LOOKUP_TIME: Duration = Duration::from_secs(5);

/// How often a name server is asked.
const ATTEMPTS: usize = 2;

/// Answers kept: none. Strangers choose how large each is and how long it would be kept; the name server
/// that is asked keeps them already.
const CACHED: u64 = 0;

/// Looks up names as the system is configured to: hosts(5) and resolv.conf(5), without search list.
pub(crate) struct Resolver {
    /// Made at first use: few checkers ever need them. One for each family, so that a failure of one family
    /// is not hidden by an answer of the other.
    resolvers: OnceCell<[TokioResolver; 2]>,
    /// A caller's slow names delay that caller's own.
    pub(crate) slots: Arc<CallerSlots>,
}

/// No name server told the addresses of a name: this is not about the target. Which name server was asked
/// and its answer are in the log alone, because it is about the network of the checker.
#[derive(Debug)]
pub(crate) struct LookupFailed;

impl Default for Resolver {
    fn default() -> Self {
        Self { resolvers: OnceCell::new(), slots: CallerSlots::new(MAX_LOOKUPS) }
    }
}

impl Resolver {
    /// Every address that `name` has, none if there is none, within [`LOOKUP_TIME`]. Takes a slot.
    ///
    /// The work of the resolver is bounded by the size of an answer: 64 KiB over TCP, some 4,000
    /// addresses.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, LookupFailed> {
        let Ok(mut name) = Name::from_ascii(name) else { return Ok(Vec::new()) };
        // Whole already: the search list of the checker's system is for its own names.
        name.set_fqdn(true);
        let resolvers = self.resolvers.get_or_try_init(async || resolvers());
        let [v4, v6] = resolvers.await.map_err(failed)?;
        let both = async { tokio::try_join!(look_up(v4, &name), look_up(v6, &name)) };
        let both = timeout(LOOKUP_TIME, both).await;
        let (v4, v6) = both.unwrap_or_else(|_| Err(failed("no answer in time")))?;
        Ok([v4, v6].concat())
    }
}

/// The addresses of one family; none if there are none.
async fn look_up(resolver: &TokioResolver, name: &Name) -> Result<Vec<IpAddr>, LookupFailed> {
    match resolver.lookup_ip(name.clone()).await {
        Ok(found) => Ok(found.iter().collect()),
        Err(error) if says_that_there_is_none(&error) => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

fn failed(reason: impl ToString) -> LookupFailed {
    debug!(reason = reason.to_string(), "cannot look up a name");
    LookupFailed
}

fn resolvers() -> Result<[TokioResolver; 2], NetError> {
    let of = |strategy| {
        let mut builder = TokioResolver::builder_tokio()?;
        let options = builder.options_mut();
        options.ip_strategy = strategy;
        options.attempts = ATTEMPTS;
        options.num_concurrent_reqs = 1;
        options.cache_size = CACHED;
        builder.build()
    };
    Ok([of(LookupIpStrategy::Ipv4Only)?, of(LookupIpStrategy::Ipv6Only)?])
}

/// Whether the answer is that there is nothing, and not that something went wrong.
fn says_that_there_is_none(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Dns(DnsError::NoRecordsFound(NoRecords {
            response_code: ResponseCode::NXDomain | ResponseCode::NoError,
            ..
        }))
    )
}
