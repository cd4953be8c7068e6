//! From the bytes of a request to a [`CheckRequest`], or to words about what is wrong with them.

use std::net::IpAddr;

use port_checker_api::{Challenge, CheckRequest, ErrorCode, JsonPort};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{ApiError, quoted, shortened, shown};

/// Parses a body and bounds the number of ports.
///
/// A good request is parsed once, straight into its type. Only what that refuses is parsed again,
/// loosely, to find out what to complain about.
pub(crate) fn parse(body: &[u8], max_ports: usize) -> Result<CheckRequest, ApiError> {
    let text = object(body)?;
    match serde_json::from_str::<CheckRequest>(text) {
        Ok(request) => within(max_ports, request.ports.len()).map(|()| request),
        Err(error) => Err(complaint(text, max_ports, &error)),
    }
}

/// The text of a body that is an object, as far as its first character tells. Serde would take an array for
/// the fields in order.
pub(super) fn object(body: &[u8]) -> Result<&str, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        invalid(format!("the body is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    let start: String = text.trim_start().chars().take(16).collect();
    match start.chars().next() {
        Some('{') => Ok(text),
        Some(_) => Err(invalid(format!(
            "the body is not a JSON object: it begins with {}",
            quoted(&start)
        ))),
        None => Err(invalid("the body is empty; expected a JSON object".to_owned())),
    }
}

#[derive(Deserialize)]
struct Loose<'a> {
    #[serde(borrow)]
    provider_ip: Option<&'a RawValue>,
    #[serde(borrow)]
    ports: Option<&'a RawValue>,
    #[serde(borrow)]
    challenge: Option<&'a RawValue>,
    #[serde(borrow)]
    verbose: Option<&'a RawValue>,
}

/// What is wrong with a request that is not a [`CheckRequest`].
fn complaint(text: &str, max_ports: usize, error: &serde_json::Error) -> ApiError {
    let Ok(loose) = serde_json::from_str::<Loose<'_>>(text) else {
        return invalid(format!("the body is not a request: {}", shortened(error)));
    };
    address(loose.provider_ip)
        .and_then(|()| ports(loose.ports, max_ports))
        .and_then(|()| challenge(loose.challenge))
        .and_then(|()| verbose(loose.verbose))
        .err()
        .unwrap_or_else(|| invalid(format!("the body is not a request: {}", shortened(error))))
}

fn address(raw: Option<&RawValue>) -> Result<(), ApiError> {
    let Some(raw) = raw else { return Ok(()) };
    let text: String = serde_json::from_str(raw.get()).map_err(|_| {
        invalid(format!("provider_ip is {}; expected a string or null", shown(raw.get())))
    })?;
    text.parse::<IpAddr>().map(drop).map_err(|_| {
        let message = format!(
            "provider_ip is {}; expected an IPv4 or IPv6 address without host name, zone, brackets \
             or port",
            quoted(&text)
        );
        ApiError::new(ErrorCode::InvalidIp, message)
    })
}

fn ports(raw: Option<&RawValue>, max_ports: usize) -> Result<(), ApiError> {
    const EXPECTED: &str = "expected an array of integers from 1 to 65535";
    let Some(raw) = raw else {
        return Err(invalid(format!("ports is missing or null; {EXPECTED}")));
    };
    let ports: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| invalid(format!("ports is {}; {EXPECTED}", shown(raw.get()))))?;
    within(max_ports, ports.len())?;
    match ports.iter().find(|port| serde_json::from_str::<JsonPort>(port.get()).is_err()) {
        None => Ok(()),
        Some(bad) => {
            let message =
                format!("ports contains {}; expected integers from 1 to 65535", shown(bad.get()));
            Err(ApiError::new(ErrorCode::InvalidPort, message))
        }
    }
}

fn challenge(raw: Option<&RawValue>) -> Result<(), ApiError> {
    let Some(raw) = raw else { return Ok(()) };
    let text: String = serde_json::from_str(raw.get()).map_err(|_| {
        invalid(format!("challenge is {}; expected a string or null", shown(raw.get())))
    })?;
    text.parse::<Challenge>().map(drop).map_err(|expected| {
        let message = format!("challenge is {}; {expected}", quoted(&text));
        ApiError::new(ErrorCode::InvalidChallenge, message)
    })
}

fn verbose(raw: Option<&RawValue>) -> Result<(), ApiError> {
    let Some(raw) = raw else { return Ok(()) };
    serde_json::from_str::<bool>(raw.get())
        .map(drop)
        .map_err(|_| invalid(format!("verbose is {}; expected true or false", shown(raw.get()))))
}

/// Counts repeats too: the bound is on what is asked, not on what it amounts to.
fn within(max_ports: usize, asked: usize) -> Result<(), ApiError> {
    if asked <= max_ports {
        return Ok(());
    }
    let message = format!("{asked} ports asked for; at most {max_ports} are checked at once");
    Err(ApiError::new(ErrorCode::TooManyPorts, message))
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}
