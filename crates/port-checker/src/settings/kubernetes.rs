//! Variables that Kubernetes gives to every pod for each service of its namespace: `<NAME>_PORT`,
//! `<NAME>_SERVICE_HOST` and others. Those of a service called `port-checker` look like settings.

use std::collections::HashMap;

use port_checker_server::{SETTINGS, escaped};

const HOST: &str = "_SERVICE_HOST";

/// How much of an address is shown, in characters.
const MAX_ADDRESS_CHARS: usize = 64;

/// Takes such variables out of `environment`. Returns a warning for each that is a setting's name.
pub(super) fn pass_over(environment: &mut HashMap<String, String>) -> Vec<String> {
    let services: Vec<String> =
        environment.keys().filter_map(|name| Some(name.strip_suffix(HOST)?.to_owned())).collect();
    let mut warnings = Vec::new();
    environment.retain(|name, value| {
        let service = services.iter().find(|service| is_made_for(service, name, value));
        if let (Some(service), true) = (service, is_setting(name)) {
            warnings.push(warning(service, name, value));
        }
        service.is_none()
    });
    warnings.sort_unstable();
    warnings
}

fn is_setting(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.variable == name)
}

fn warning(service: &str, name: &str, value: &str) -> String {
    format!(
        "{name}={} is passed over: Kubernetes sets it for the service {}, as {service}{HOST} shows; \
         enableServiceLinks: false in the pod leaves such variables out",
        escaped(value, MAX_ADDRESS_CHARS),
        service.to_lowercase().replace('_', "-")
    )
}

/// Whether Kubernetes makes `name` for a service, whose name is given as it stands in variables.
fn is_made_for(service: &str, name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix(service) else { return false };
    match rest.strip_prefix("_PORT") {
        Some("") => value.contains("://"),
        Some(port) => is_of_a_port(port),
        None => rest == HOST || rest == "_SERVICE_PORT" || rest.starts_with("_SERVICE_PORT_"),
    }
}

/// `_9000_TCP` and its parts: `_9000_TCP_ADDR`, …
fn is_of_a_port(rest: &str) -> bool {
    let parts: Vec<&str> = rest.split('_').skip(1).collect();
    match *parts {
        [number, protocol, ..] if parts.len() <= 3 => {
            number.parse::<u16>().is_ok()
                && ["TCP", "UDP", "SCTP"].contains(&protocol)
                && parts.get(2).is_none_or(|part| ["PROTO", "PORT", "ADDR"].contains(part))
        }
        _ => false,
    }
}
