//! Who is asking.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, request::Parts},
};
use ipnet::IpNet;

mod forwarding;

/// The other end of the connection a request came on; the accept loop attaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The address of the caller, never IPv4-mapped; the access log attaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller(pub(crate) IpAddr);

impl Caller {
    /// The TCP peer, unless it is a trusted proxy: then the client that the forwarding headers name.
    ///
    /// A proxy sets one of the two headers and passes the other on as it came, forged or not. Where
    /// both are there and disagree, neither can be believed, and the caller is the proxy.
    pub(crate) fn find(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let Peer(peer) = extensions.get().expect("the accept loop attaches the peer");
        let peer = peer.ip().to_canonical();
        if !is_trusted(peer, trusted) {
            return Self(peer);
        }
        let x_forwarded_for = forwarding::x_forwarded_for(headers);
        let forwarded = forwarding::forwarded(headers);
        let nearest = |hops: Vec<Option<IpAddr>>| nearest_untrusted(peer, hops, trusted);
        match (x_forwarded_for.map(nearest), forwarded.map(nearest)) {
            (Some(caller), None) | (None, Some(caller)) => Self(caller),
            (Some(one), Some(other)) if one == other => Self(one),
            _ => Self(peer),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(*parts.extensions.get().expect("the access log attaches the caller"))
    }
}

/// Walks from the peer towards the origin: `hops` are nearest first, and none is a hop that does not
/// name itself. The client behind such a hop, or behind the last one, cannot be known.
fn nearest_untrusted(peer: IpAddr, hops: Vec<Option<IpAddr>>, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops {
        let Some(address) = hop else { break };
        nearest = address.to_canonical();
        if !is_trusted(nearest, trusted) {
            break;
        }
    }
    nearest
}

/// Whether an address, never IPv4-mapped, is that of a trusted proxy.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|prefix| prefix.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The caller of a request from `peer` with these header lines, where 10.0.0.0/8 and
    /// 2001:db8:aa::/48 are trusted proxies.
    fn caller(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:aa::/48".parse().unwrap()];
        let mut extensions = Extensions::new();
        extensions.insert(Peer((peer.parse::<IpAddr>().unwrap(), 4711).into()));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        Caller::find(&extensions, &headers, &trusted).0.to_string()
    }

    #[test]
    fn callers_behind_proxies() {
        let oversized = "203.0.113.9, ".repeat(1000) + "10.0.0.2";
        const XFF: &str = "x-forwarded-for";
        const FWD: &str = "forwarded";
        type HeaderLines<'a> = &'a [(&'static str, &'a str)];
        let cases: &[(&str, HeaderLines<'_>, &str, &str)] = &[
            ("198.51.100.1", &[], "198.51.100.1", "no proxy"),
            ("::ffff:198.51.100.1", &[], "198.51.100.1", "IPv4 on a socket for both families"),
            ("198.51.100.1", &[(XFF, "8.8.8.8")], "198.51.100.1", "forged, no trusted proxy"),
            ("198.51.100.1", &[(FWD, "for=8.8.8.8")], "198.51.100.1", "forged the other way"),
            ("10.0.0.1", &[], "10.0.0.1", "a proxy that says nothing"),
            ("10.0.0.1", &[(XFF, "8.8.8.8")], "8.8.8.8", "one hop"),
            ("::ffff:10.0.0.1", &[(XFF, "8.8.8.8")], "8.8.8.8", "a trusted proxy, mapped"),
            ("10.0.0.1", &[(XFF, "1.1.1.1, 8.8.8.8")], "8.8.8.8", "the left one is forged"),
            ("10.0.0.1", &[(XFF, "1.1.1.1"), (XFF, "8.8.8.8")], "8.8.8.8", "two header lines"),
            ("10.0.0.1", &[(XFF, "8.8.8.8, 10.0.0.2")], "8.8.8.8", "two proxies"),
            ("10.0.0.1", &[(XFF, "10.0.0.3, 10.0.0.2")], "10.0.0.3", "all trusted: the farthest"),
            ("10.0.0.1", &[(XFF, "8.8.8.8:80")], "8.8.8.8", "with a port"),
            ("10.0.0.1", &[(XFF, "2001:db8::7")], "2001:db8::7", "IPv6"),
            ("10.0.0.1", &[(XFF, "[2001:db8::7]:80")], "2001:db8::7", "IPv6 with a port"),
            ("10.0.0.1", &[(XFF, "\"[2001:db8::7]\"")], "2001:db8::7", "IPv6 in quotes"),
            ("10.0.0.1", &[(XFF, "::ffff:8.8.8.8")], "8.8.8.8", "mapped"),
            ("10.0.0.1", &[(XFF, "8.8.8.8, unknown")], "10.0.0.1", "a hop that does not say"),
            ("10.0.0.1", &[(XFF, "8.8.8.8, ")], "10.0.0.1", "an empty part"),
            ("10.0.0.1", &[(XFF, "1.1.1.1, 010.0.0.2")], "10.0.0.1", "octal is no address"),
            ("10.0.0.1", &[(XFF, oversized.as_str())], "203.0.113.9", "very long, right end only"),
            ("2001:db8:aa::1", &[(XFF, "8.8.8.8")], "8.8.8.8", "an IPv6 proxy"),
            ("10.0.0.1", &[(FWD, "for=8.8.8.8;proto=https;by=10.0.0.1")], "8.8.8.8", "Forwarded"),
            ("10.0.0.1", &[(FWD, "For=\"[2001:db8::7]:4711\"")], "2001:db8::7", "quoted, any case"),
            ("10.0.0.1", &[(FWD, "for=\"8.8.8.8:_secret\"")], "8.8.8.8", "an obfuscated port"),
            ("10.0.0.1", &[(FWD, "for=1.1.1.1, for=8.8.8.8")], "8.8.8.8", "two hops"),
            (
                "10.0.0.1",
                &[(FWD, "for=\"1.1.1.1, for=9.9.9.9\", for=8.8.8.8")],
                "8.8.8.8",
                "a comma in quotes",
            ),
            ("10.0.0.1", &[(FWD, "for=_hidden")], "10.0.0.1", "obfuscated"),
            ("10.0.0.1", &[(FWD, "proto=https")], "10.0.0.1", "without for"),
            ("10.0.0.1", &[(FWD, "for=1.1.1.1;for=8.8.8.8")], "10.0.0.1", "for twice in one hop"),
            ("10.0.0.1", &[(FWD, "for=\"8.8.8.8")], "10.0.0.1", "a quote that does not end"),
            ("10.0.0.1", &[(XFF, "8.8.8.8"), (FWD, "for=8.8.8.8")], "8.8.8.8", "both agree"),
            ("10.0.0.1", &[(XFF, "8.8.8.8"), (FWD, "for=1.1.1.1")], "10.0.0.1", "one is forged"),
        ];
        for (peer, lines, expected, why) in cases {
            assert_eq!(caller(peer, lines), *expected, "{why}");
        }
    }
}
