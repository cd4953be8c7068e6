//! The settings in force as one value.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::http::HeaderValue;
use ipnet::IpNet;
use port_checker_limits::{Limits, RedisUrl};
use port_checker_probe::{Policy, ProbeSettings};

use super::{
    attestation::AttestationSettings,
    bounds::{Bounds, USUAL_OPEN_FILES},
    signing_keys::SigningKeys,
    tls_identity::TlsFiles,
};

/// Everything an operator decides. The defaults are those of the contract.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub host: IpAddr,
    /// Which port to listen on.
    pub port: u16,
    /// Whether to log each port.
    pub debug: bool,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How a port is tried.
    pub probe: ProbeSettings,
    /// How long a request may take, from the end of its head to its answer.
    pub deadline: Duration,
    /// How many ports one request may ask for.
    pub max_ports: usize,
    /// Sockets open for probes at once, all requests together.
    pub max_in_flight: usize,
    /// The targets that may be dialled.
    pub policy: Policy,
    /// Peers whose forwarding headers say who is asking.
    pub trusted_proxies: Vec<IpNet>,
    /// How many probes may be asked for.
    pub limits: Limits,
    /// Where instances share their limits; none: each has its own.
    pub redis: Option<RedisUrl>,
    /// Whose pages may call this service.
    pub cors_origins: CorsOrigins,
    /// The addresses that the page offers for a check over the other address family.
    pub page_urls: PageUrls,
    /// The files of the certificate for callers.
    pub tls: TlsFiles,
    /// What is signed, and in whose name.
    pub attestation: AttestationSettings,
    /// The keys of the files that [`attestation`](Self::attestation) names; none: nothing is signed.
    pub signing_keys: Option<Arc<SigningKeys>>,
    /// Where to serve `/metrics`, and only there; none: beside the other routes.
    pub metrics_address: Option<SocketAddr>,
    /// Bounds on the memory and time that clients can take. Not settings.
    pub bounds: Bounds,
    /// Which revision of its source the program was built of, for `port_checker_build_info`. Not a
    /// setting.
    pub revision: &'static str,
}

/// Origins of this service under names that lead to it over one address family alone, such as
/// `https://ipv6.checker.example`. Where one is missing, the page does not offer that family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageUrls {
    /// Over IPv4 alone.
    pub ipv4: Option<String>,
    /// Over IPv6 alone.
    pub ipv6: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Whose pages may call this service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsOrigins {
    /// Anybody's.
    Any,
    /// Only those of these origins.
    Only(Vec<HeaderValue>),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::UNSPECIFIED.into(),
            port: 9000,
            debug: false,
            log_format: LogFormat::default(),
            probe: ProbeSettings::default(),
            deadline: Duration::from_secs(25),
            max_ports: 1024,
            max_in_flight: USUAL_OPEN_FILES.probes(),
            policy: Policy::default(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            redis: None,
            cors_origins: CorsOrigins::Any,
            page_urls: PageUrls::default(),
            tls: TlsFiles::default(),
            attestation: AttestationSettings::default(),
            signing_keys: None,
            metrics_address: None,
            bounds: Bounds::default(),
            revision: "unknown",
        }
    }
}

impl Config {
    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}
