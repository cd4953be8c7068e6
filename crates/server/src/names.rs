//! From a host name to its addresses: one look-up, whose answer is all that is used.

use std::{net::IpAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::LookupIpStrategy,
    net::{DnsError, NetError, NoRecords},
    proto::{op::ResponseCode, rr::Name},
};
use tokio::{sync::OnceCell, time::timeout};

/// How often a name server is asked.
const ATTEMPTS: usize = 2;

/// Names kept for as long as their answers say.
const CACHED: u64 = 1024;

/// Looks up names as the system is configured to: hosts(5) and resolv.conf(5), without search list.
#[derive(Default)]
pub(crate) struct Names {
    /// Made at first use: few checkers ever need it.
    resolver: OnceCell<TokioResolver>,
}

/// Why a name has no addresses.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// Its owner published none: this is about the target.
    NoAddress,
    /// Nobody could say: this is not.
    Failed(String),
}

impl Names {
    /// Every address that `name` has, found within `limit`.
    pub(crate) async fn addresses(
        &self,
        name: &str,
        limit: Duration,
    ) -> Result<Vec<IpAddr>, Unresolved> {
        let failed =
            |reason: String| Unresolved::Failed(format!("cannot look up a name: {reason}"));
        let resolver = self.resolver.get_or_try_init(async || resolver());
        let resolver = resolver.await.map_err(|error| failed(error.to_string()))?;
        let mut name = Name::from_ascii(name).map_err(|_| Unresolved::NoAddress)?;
        // Whole already: the checker's own search list is nobody's business.
        name.set_fqdn(true);
        match timeout(limit, resolver.lookup_ip(name)).await {
            Ok(Ok(found)) => Ok(found.iter().collect()),
            Ok(Err(error)) if speaks_of_the_name(&error) => Err(Unresolved::NoAddress),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("no answer in time".to_owned())),
        }
    }
}

fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    // Every address is judged, of whichever family.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.attempts = ATTEMPTS;
    options.cache_size = CACHED;
    builder.build()
}

/// Whether the answer is that there is nothing, and not that something went wrong.
fn speaks_of_the_name(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Dns(DnsError::NoRecordsFound(NoRecords {
            response_code: ResponseCode::NXDomain | ResponseCode::NoError,
            ..
        }))
    )
}
