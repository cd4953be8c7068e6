//! The settings in force: parsed and validated once, then immutable.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use axum::http::HeaderValue;
use ipnet::IpNet;
use port_checker_probe::{Budget, Policy, ProbeSettings, Targets};

use crate::{OpenFiles, TlsIdentity};

mod bounds;
mod invalid;
mod limits;
mod parse;
mod redis_url;
mod settings;

pub use bounds::Bounds;
pub use invalid::InvalidSetting;
pub use limits::{Allowance, Limits};
pub use redis_url::RedisUrl;
pub use settings::{SETTINGS, Setting};

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
    /// What may be dialled.
    pub policy: Policy,
    /// Peers whose forwarding headers say who is asking.
    pub trusted_proxies: Vec<IpNet>,
    /// How many probes may be asked for.
    pub limits: Limits,
    /// Where instances share their limits; none: each has its own.
    pub redis: Option<RedisUrl>,
    /// Whose pages may call this service.
    pub cors_origins: CorsOrigins,
    /// Where the page sends visitors for a check over the other address family.
    pub page_urls: PageUrls,
    /// What to speak TLS with.
    pub tls: TlsFiles,
    /// Where to serve `/metrics`, and only there; none: beside the other routes.
    pub metrics_address: Option<SocketAddr>,
    /// What a client may make this process hold or wait for. Not settings.
    pub bounds: Bounds,
    /// Which revision of its source the program was built of, for `port_checker_build_info`. Not a
    /// setting.
    pub revision: &'static str,
}

/// The files to speak TLS with. Without any the service speaks plain HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to a trust root, in PEM, the service's own first.
    pub certificate: Option<PathBuf>,
    /// The certificate's key, in PEM.
    pub key: Option<PathBuf>,
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
            max_in_flight: bounds::USUAL_OPEN_FILES.probes(),
            policy: Policy::default(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            redis: None,
            cors_origins: CorsOrigins::Any,
            page_urls: PageUrls::default(),
            tls: TlsFiles::default(),
            metrics_address: None,
            bounds: Bounds::default(),
            revision: "unknown",
        }
    }
}

impl TlsFiles {
    /// Why the files cannot be used together, if they cannot.
    fn unusable(&self) -> Option<InvalidSetting> {
        let alone = |variable, path: &PathBuf, other| {
            let value = path.display().to_string();
            InvalidSetting::new(variable, value, format!("{other} to be set too"))
        };
        match (&self.certificate, &self.key) {
            (Some(path), None) => {
                Some(alone("PORT_CHECKER_TLS_CERT", path, "PORT_CHECKER_TLS_KEY"))
            }
            (None, Some(path)) => {
                Some(alone("PORT_CHECKER_TLS_KEY", path, "PORT_CHECKER_TLS_CERT"))
            }
            (None, None) => None,
            (Some(_), Some(key)) => TlsIdentity::load(self).err().map(|error| {
                let expected =
                    format!("the key of the first certificate in PORT_CHECKER_TLS_CERT: {error}");
                InvalidSetting::new("PORT_CHECKER_TLS_KEY", key.display().to_string(), expected)
            }),
        }
    }
}

impl Config {
    /// Resolves the settings: `given` tells what a variable was set to, if it was.
    ///
    /// # Errors
    /// Every value that cannot be used.
    pub fn resolve(
        given: impl Fn(&str) -> Option<String>,
        files: OpenFiles,
    ) -> Result<Self, Vec<InvalidSetting>> {
        let mut config = Self::default();
        config.policy.allow_local = given("GOLEM_ENVIRONMENT")
            .is_some_and(|environment| environment.eq_ignore_ascii_case("development"));
        config.max_in_flight = files.probes();
        let mut rejected = Vec::new();
        for setting in SETTINGS {
            let Some(value) = given(setting.variable) else { continue };
            if let Err(expected) = setting.apply(&mut config, &value) {
                rejected.push(InvalidSetting::new(setting.variable, value, expected));
            }
        }
        if config.max_in_flight > files.most_probes() {
            rejected.push(InvalidSetting::new(
                "PORT_CHECK_MAX_IN_FLIGHT",
                config.max_in_flight.to_string(),
                format!(
                    "at most {} with an open-file limit of {}",
                    files.most_probes(),
                    files.limit()
                ),
            ));
        }
        // A file that was rejected was given all the same.
        if !rejected.iter().any(|setting| setting.variable.starts_with("PORT_CHECKER_TLS_")) {
            rejected.extend(config.tls.unusable());
        }
        config.bounds.connections = files.clients_beside(config.max_in_flight);
        if rejected.is_empty() { Ok(config) } else { Err(rejected) }
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Every setting and its value in force.
    pub fn in_force(&self) -> impl Iterator<Item = (&'static str, String)> {
        SETTINGS.iter().map(|setting| (setting.variable, setting.show(self)))
    }

    /// How many ports that never answer one request can have judged within the deadline.
    fn ports_in_time(&self) -> usize {
        let share = Budget::new(self.max_in_flight).largest_share();
        let socket_time = self.probe.socket_time().as_secs_f64().max(f64::MIN_POSITIVE);
        let rounds = (self.deadline.as_secs_f64() / socket_time).floor() as usize;
        match rounds {
            0 => share / self.probe.attempts.get() as usize,
            rounds => share.saturating_mul(rounds),
        }
    }

    /// What is allowed but probably not meant.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        // What is due at the deadline comes too late.
        let too_long = self.probe.longest() >= self.deadline;
        if too_long {
            warnings.push(format!(
                "a port that never answers takes {:?}, not less than PORT_CHECK_DEADLINE ({:?}): \
                 such checks will fail. Lower PORT_CHECK_RETRIES or PORT_CHECK_TIMEOUT, or raise the deadline",
                self.probe.longest(),
                self.deadline
            ));
        } else if self.probe.socket_time() > self.deadline {
            warnings.push(format!(
                "PORT_CHECK_RETRIES × PORT_CHECK_TIMEOUT ({:?}) is longer than PORT_CHECK_DEADLINE \
                 ({:?}): checks of ports that never answer will fail while sockets are short",
                self.probe.socket_time(),
                self.deadline
            ));
        }
        let in_time = self.ports_in_time();
        if !too_long && in_time < self.max_ports {
            warnings.push(format!(
                "PORT_CHECK_MAX_PORTS={} is more than the {in_time} ports that can be judged in time \
                 if none answers; raise the open-file limit or PORT_CHECK_MAX_IN_FLIGHT",
                self.max_ports
            ));
        }
        if self.policy.targets == Targets::Any {
            warnings.push(
                "PORT_CHECKER_TARGETS=any: anybody can have any address dialled from here, this \
                 machine's private networks included"
                    .to_owned(),
            );
        }
        warnings.extend(self.limits.warnings(self.max_ports, self.policy.targets));
        warnings
    }
}

#[cfg(test)]
mod tests;
