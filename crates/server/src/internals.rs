//! Doors for the fuzz targets in `fuzz/` and the benchmarks in `benches/`. Only built for them.

use std::{net::IpAddr, sync::Arc};

use axum::http::{Extensions, HeaderMap, HeaderValue, header::FORWARDED};
use port_checker_api::CheckRequest;
use port_checker_limits::Mode;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    net::caller::{Caller, Peer},
    observe::metrics::Metrics,
    routes::ports_request,
};

/// Parses the body of a check; an error is its message.
///
/// # Errors
/// The body is not a good request.
pub fn check_request(body: &[u8], max_ports: usize) -> Result<CheckRequest, String> {
    ports_request::parse(body, max_ports).map_err(|error| error.message().to_owned())
}

/// Who is asking, when `peer` sends these headers and `proxy` is trusted.
pub fn caller(peer: IpAddr, proxy: IpAddr, x_forwarded_for: &[u8], forwarded: &[u8]) -> IpAddr {
    let mut extensions = Extensions::new();
    extensions.insert(Peer((peer, 1).into()));
    let mut headers = HeaderMap::new();
    let lines = [("x-forwarded-for", x_forwarded_for), (FORWARDED.as_str(), forwarded)];
    for (name, value) in lines {
        if let (Ok(value), false) = (HeaderValue::from_bytes(value), value.is_empty()) {
            headers.append(name, value);
        }
    }
    Caller::find(&extensions, &headers, &[proxy.into()]).0
}

/// The limits as a request meets them.
pub struct RateLimiter(Arc<port_checker_limits::Limiter>);

impl RateLimiter {
    /// Kept in this process, or in the Redis that `config` names.
    pub async fn new(config: &Config) -> Self {
        let limiter = port_checker_limits::Limiter::new(
            &config.limits,
            config.redis.as_ref(),
            Metrics::new(config),
        );
        limiter.start(&TaskTracker::new(), CancellationToken::new()).await;
        Self(Arc::new(limiter))
    }

    /// Whether `caller` may ask for `ports` probes of `target`; charges both if so.
    pub async fn admits(&self, caller: IpAddr, target: IpAddr, ports: usize) -> bool {
        self.0.charge((caller, target), ports, Mode::Charge).await.is_ok()
    }
}
