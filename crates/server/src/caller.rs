//! Who is asking.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{extract::FromRequestParts, http::request::Parts};

/// The other end of the connection a request came on; the accept loop attaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The address of whoever asks, never IPv4-mapped: the TCP peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller(pub(crate) IpAddr);

impl Caller {
    pub(crate) fn of(extensions: &axum::http::Extensions) -> Self {
        let Peer(peer) = extensions.get().expect("the accept loop attaches the peer");
        Self(peer.ip().to_canonical())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}
