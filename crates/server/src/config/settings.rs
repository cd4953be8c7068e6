//! Every setting: the one source for the environment, the flags of `serve` and their help.

use std::{num::NonZeroU32, time::Duration};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{
    attestation_variables::ATTESTATIONS,
    choices::{LOG_FORMATS, TARGETS},
    limits::LIMITS,
    model::CorsOrigins,
    parse::{
        boolean, file, list, one_of, optional, origins, own_origin, path, prefixes, seconds,
        shown_if_any, whole, word,
    },
    setting::{Setting, joined},
};

/// Every setting, in the order of the contract.
pub const SETTINGS: &[Setting] = &joined::<
    { FIRST.len() + LIMITS.len() + LAST.len() + ATTESTATIONS.len() },
>(&[FIRST, LIMITS, LAST, ATTESTATIONS]);

/// Those before the limits.
const FIRST: &[Setting] = &[
    Setting {
        variable: "PORT_CHECKER_HOST",
        help: "Address to listen on; :: listens on both families",
        set: |config, text| {
            let expected = "an IP address of this machine, 0.0.0.0 or ::";
            config.host = text.parse().map_err(|_| expected.to_owned())?;
            Ok(())
        },
        show: |config| config.host.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_PORT",
        help: "Port to listen on; 0 takes a free one",
        set: |config, text| whole(text, 0..=u16::MAX).map(|value| config.port = value),
        show: |config| config.port.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_DEBUG",
        help: "Log each port checked, and each request that is not a check: true or false",
        set: |config, text| boolean(text).map(|value| config.debug = value),
        show: |config| config.debug.to_string(),
    },
    Setting {
        variable: "PORT_CHECK_RETRIES",
        help: "Attempts per port in all, 1 to 10",
        set: |config, text| {
            let attempts = NonZeroU32::new(whole(text, 1..=10)?);
            config.probe.attempts = attempts.expect("the range begins at 1");
            Ok(())
        },
        show: |config| config.probe.attempts.to_string(),
    },
    Setting {
        variable: "PORT_CHECK_RETRY_DELAY",
        help: "Seconds from an answer, or from the beginning of an attempt that is silent, to the \
               next attempt, 0 to 60",
        set: |config, text| seconds(text, 0.0..=60.0).map(|value| config.probe.delay = value),
        show: |config| shown(config.probe.delay),
    },
    Setting {
        variable: "PORT_CHECK_TIMEOUT",
        help: "Seconds one attempt may take, 0.01 to 60",
        set: |config, text| seconds(text, 0.01..=60.0).map(|value| config.probe.timeout = value),
        show: |config| shown(config.probe.timeout),
    },
    Setting {
        variable: "PORT_CHECK_SETTLE",
        help: "Seconds for which a connection is held at most, in case it is reset at once, 0 to 5; \
               0 holds none",
        set: |config, text| seconds(text, 0.0..=5.0).map(|value| config.probe.settle = value),
        show: |config| shown(config.probe.settle),
    },
    Setting {
        variable: "PORT_CHECK_DEADLINE",
        help: "Seconds a request may take, 0.1 to 600",
        set: |config, text| seconds(text, 0.1..=600.0).map(|value| config.deadline = value),
        show: |config| shown(config.deadline),
    },
    Setting {
        variable: "PORT_CHECK_MAX_PORTS",
        help: "Ports one request may ask for, 1 to 65535",
        set: |config, text| whole(text, 1..=65_535).map(|value| config.max_ports = value),
        show: |config| config.max_ports.to_string(),
    },
    Setting {
        variable: "PORT_CHECK_MAX_IN_FLIGHT",
        help: "Sockets open for probes at once, all requests together, 1 to 1000000; the default \
               here is for an open-file limit of 1024 and grows with it",
        set: |config, text| whole(text, 1..=1_000_000).map(|value| config.max_in_flight = value),
        show: |config| config.max_in_flight.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_TARGETS",
        help: "Whose addresses may be checked: public (any public address), caller (only the \
               caller's own) or any (no policy: private networks too)",
        set: |config, text| one_of(text, TARGETS).map(|value| config.policy.targets = value),
        show: |config| word(&config.policy.targets, TARGETS),
    },
    Setting {
        variable: "PORT_CHECKER_ALLOW_LOCAL_IPS",
        help: "Admit private and loopback targets: true or false; true by default when \
               GOLEM_ENVIRONMENT=development",
        set: |config, text| boolean(text).map(|value| config.policy.allow_local = value),
        show: |config| config.policy.allow_local.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_ALLOWED_TARGETS",
        help: "Special-purpose addresses to admit: a comma-separated list of prefixes",
        set: |config, text| prefixes(text).map(|value| config.policy.allowed = value),
        show: |config| list(&config.policy.allowed),
    },
    Setting {
        variable: "PORT_CHECKER_DENIED_TARGETS",
        help: "Addresses to refuse even if another setting admits them: a comma-separated list of prefixes",
        set: |config, text| prefixes(text).map(|value| config.policy.denied = value),
        show: |config| list(&config.policy.denied),
    },
    Setting {
        variable: "PORT_CHECKER_ALLOWED_PORTS",
        help: "Ports that may be checked, such as 80,443,1024-65535",
        set: |config, text| {
            config.policy.ports = text
                .parse()
                .map_err(|error| format!("a list such as 80,443,1024-65535: {error}"))?;
            Ok(())
        },
        show: |config| config.policy.ports.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_TRUSTED_PROXIES",
        help: "Peers whose X-Forwarded-For, Forwarded or PROXY header says who is asking: a \
               comma-separated list of prefixes",
        set: |config, text| prefixes(text).map(|value| config.trusted_proxies = value),
        show: |config| list(&config.trusted_proxies),
    },
];

/// Those after the limits.
const LAST: &[Setting] = &[
    Setting {
        variable: "PORT_CHECKER_REDIS_URL",
        help: "Redis through which instances share their limits: redis://, rediss:// or unix://",
        set: |config, text| {
            optional(text).map(|value| config.redis = value).map_err(|error| error.to_string())
        },
        show: |config| shown_if_any(config.redis.as_ref()),
    },
    Setting {
        variable: "PORT_CHECKER_CORS_ORIGINS",
        help: "Whose pages may call this service: * or a comma-separated list of origins",
        set: |config, text| origins(text).map(|value| config.cors_origins = value),
        show: |config| match &config.cors_origins {
            CorsOrigins::Any => "*".to_owned(),
            CorsOrigins::Only(origins) => {
                let origins = origins.iter().map(|origin| origin.to_str().unwrap_or_default());
                origins.collect::<Vec<_>>().join(",")
            }
        },
    },
    Setting {
        variable: "PORT_CHECKER_IPV4_URL",
        help: "Where visitors reach this service over IPv4 alone, such as https://ipv4.example.org",
        set: |config, text| own_origin(text).map(|value| config.page_urls.ipv4 = value),
        show: |config| shown_if_any(config.page_urls.ipv4.as_ref()),
    },
    Setting {
        variable: "PORT_CHECKER_IPV6_URL",
        help: "Where visitors reach this service over IPv6 alone, such as https://ipv6.example.org",
        set: |config, text| own_origin(text).map(|value| config.page_urls.ipv6 = value),
        show: |config| shown_if_any(config.page_urls.ipv6.as_ref()),
    },
    Setting {
        variable: "PORT_CHECKER_METRICS_ADDR",
        help: "Address and port to serve /metrics on, and only there, such as 127.0.0.1:9090",
        set: |config, text| {
            let expected = |_| "an address with a port, such as 127.0.0.1:9090".to_owned();
            optional(text).map_err(expected).map(|value| config.metrics_address = value)
        },
        show: |config| shown_if_any(config.metrics_address.as_ref()),
    },
    Setting {
        variable: "PORT_CHECKER_TLS_CERT",
        help: "File with the certificate to serve HTTPS with, and those that lead to a trust root, in \
               PEM; read again on SIGHUP",
        set: |config, text| {
            file(text, |pem| {
                CertificateDer::pem_slice_iter(pem).next().is_some_and(|it| it.is_ok())
            })
            .map_err(|reason| format!("a PEM file with a certificate: {reason}"))
            .map(|path| config.tls.certificate = path)
        },
        show: |config| path(config.tls.certificate.as_deref()),
    },
    Setting {
        variable: "PORT_CHECKER_TLS_KEY",
        help: "File with the certificate's key in PEM; read again on SIGHUP",
        set: |config, text| {
            file(text, |pem| PrivateKeyDer::from_pem_slice(pem).is_ok())
                .map_err(|reason| format!("a PEM file with a private key: {reason}"))
                .map(|path| config.tls.key = path)
        },
        show: |config| path(config.tls.key.as_deref()),
    },
    Setting {
        variable: "PORT_CHECKER_LOG_FORMAT",
        help: "How log lines look: text or json",
        set: |config, text| one_of(text, LOG_FORMATS).map(|value| config.log_format = value),
        show: |config| word(&config.log_format, LOG_FORMATS),
    },
];

/// Seconds, in the form [`seconds`] reads.
fn shown(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

#[cfg(test)]
mod tests;
