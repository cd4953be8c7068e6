//! From a host name to its addresses: one look-up, whose answer is all that is used.

use std::{net::IpAddr, sync::Arc, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::LookupIpStrategy,
    net::{DnsError, NetError, NoRecords},
    proto::{op::ResponseCode, rr::Name},
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};

use crate::peers::Peers;

/// Look-ups at once. Each has two sockets, and all of them must fit into the descriptors that are kept
/// for what is neither a client nor a probe.
const MOST_LOOKUPS: usize = 8;

/// How long a look-up may take, the wait for its turn not included.
const LOOKUP_TIME: Duration = Duration::from_secs(5);

/// How often a name server is asked.
const ATTEMPTS: usize = 2;

/// Names kept for as long as their answers say.
const CACHED: u64 = 1024;

/// Looks up names as the system is configured to: hosts(5) and resolv.conf(5), without search list.
pub(crate) struct Names {
    /// Made at first use: few checkers ever need them. One for each family, so that what one family
    /// cannot tell is not hidden by what the other can.
    resolvers: OnceCell<[TokioResolver; 2]>,
    room: Semaphore,
    /// So that no caller has all the room.
    callers: Arc<Peers>,
}

/// Why a name has no addresses.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// Its owner published none: this is about the target.
    NoAddress,
    /// Nobody could say: this is not.
    Failed(String),
    /// Too many names are looked up now.
    Busy,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            resolvers: OnceCell::new(),
            room: Semaphore::new(MOST_LOOKUPS),
            callers: Peers::new(MOST_LOOKUPS, &[]),
        }
    }
}

impl Names {
    /// Every address that `name` has; `caller` waits at most `patience` for a turn.
    pub(crate) async fn addresses(
        &self,
        name: &str,
        caller: IpAddr,
        patience: Duration,
    ) -> Result<Vec<IpAddr>, Unresolved> {
        let _share = self.callers.enter(caller).ok_or(Unresolved::Busy)?;
        let turn = timeout(patience, self.room.acquire()).await.map_err(|_| Unresolved::Busy)?;
        let _turn = turn.expect("the semaphore is never closed");
        let resolvers = self.resolvers.get_or_try_init(async || resolvers());
        let [v4, v6] = resolvers.await.map_err(failed)?;
        let mut name = Name::from_ascii(name).map_err(|_| Unresolved::NoAddress)?;
        // Whole already: the checker's own search list is nobody's business.
        name.set_fqdn(true);
        let both = async { tokio::try_join!(look_up(v4, &name), look_up(v6, &name)) };
        let (v4, v6) = timeout(LOOKUP_TIME, both)
            .await
            .unwrap_or_else(|_| Err(failed("no answer in time")))?;
        let found = [v4, v6].concat();
        if found.is_empty() { Err(Unresolved::NoAddress) } else { Ok(found) }
    }
}

/// The addresses of one family; none if there are none.
async fn look_up(resolver: &TokioResolver, name: &Name) -> Result<Vec<IpAddr>, Unresolved> {
    match resolver.lookup_ip(name.clone()).await {
        Ok(found) => Ok(found.iter().collect()),
        Err(error) if says_that_there_is_none(&error) => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

fn failed(reason: impl ToString) -> Unresolved {
    Unresolved::Failed(format!("cannot look up a name: {}", reason.to_string()))
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
