//! From the name of a checker to its addresses, of one family if so wanted.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::net::lookup_host;
use tower_service::Service;

use crate::Family;

/// Asks the system, and keeps the addresses of one family.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    family: Option<Family>,
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// There is no such name, or no name server to ask: the system does not tell which.
    #[error(
        "the name '{name}' could not be looked up: is it spelled right, and does this machine's name \
         server answer?"
    )]
    Failed { name: String, source: io::Error },
    /// It has addresses, but not of the family.
    #[error("the name '{name}' has no {family} address")]
    NoAddress { name: String, family: Family },
}

impl Resolver {
    pub(crate) fn new(family: Option<Family>) -> Self {
        Self { family }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = LookupError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, LookupError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), LookupError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(look_up(name.as_str().to_owned(), self.family))
    }
}

async fn look_up(
    name: String,
    family: Option<Family>,
) -> Result<vec::IntoIter<SocketAddr>, LookupError> {
    let found = lookup_host((name.as_str(), 0)).await.map(|found| found.collect::<Vec<_>>());
    let mut addresses = match found {
        Ok(found) => found,
        Err(source) => return Err(LookupError::Failed { name, source }),
    };
    let Some(family) = family else { return Ok(addresses.into_iter()) };
    addresses.retain(|address| Family::of(address.ip()) == family);
    match addresses.is_empty() {
        true => Err(LookupError::NoAddress { name, family }),
        false => Ok(addresses.into_iter()),
    }
}
