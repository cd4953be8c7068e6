//! The body of `POST /check-ports`, or words about its mistake.

use std::net::IpAddr;

use port_checker_api::{Challenge, CheckRequest, ClaimText, ErrorCode, JsonPort, Transport};
use port_checker_probe::Probe;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json_object::{self, Field, invalid, shown_field, value};
use crate::error::{ApiError, quoted, shown};

/// Parses a body and bounds the number of ports.
///
/// # Errors
/// It is not a good request.
pub(crate) fn parse(body: &[u8], max_ports: usize) -> Result<CheckRequest, ApiError> {
    let request: CheckRequest =
        json_object::parse(body, |fields: PortsFields<'_>| fields.complain(max_ports))?;
    within(max_ports, request.ports.len()).map(|()| request)
}

/// The probe that a request asks for.
///
/// # Errors
/// The transport requires a challenge, and there is none.
pub(super) fn probe(
    transport: Option<Transport>,
    challenge: Option<Challenge>,
) -> Result<Probe, ApiError> {
    let transport = transport.unwrap_or_default();
    Probe::over(transport, challenge).ok_or_else(|| {
        invalid(format!(
            "challenge is missing or null; expected one, which is required over {}: no port is open there \
             that does not answer with it",
            transport.title()
        ))
    })
}

/// The challenge that a statement is to be about.
///
/// # Errors
/// There is none: no port has to prove anything.
pub(super) fn required_challenge(challenge: Option<&Challenge>) -> Result<Challenge, ApiError> {
    challenge.cloned().ok_or_else(|| {
        let message = "challenge is missing or null; with attest expected one: a statement is only about ports whose \
                       listener answers with it";
        ApiError::new(ErrorCode::InvalidChallenge, message)
    })
}

#[derive(Deserialize)]
struct PortsFields<'a> {
    #[serde(borrow)]
    provider_ip: Field<'a>,
    #[serde(borrow)]
    ports: Field<'a>,
    #[serde(borrow)]
    transport: Field<'a>,
    #[serde(borrow)]
    challenge: Field<'a>,
    #[serde(borrow)]
    verbose: Field<'a>,
    #[serde(borrow)]
    attest: Field<'a>,
}

#[derive(Deserialize)]
struct AttestFields<'a> {
    #[serde(borrow)]
    audience: Field<'a>,
    #[serde(borrow)]
    nonce: Field<'a>,
}

impl PortsFields<'_> {
    fn complain(&self, max_ports: usize) -> Result<(), ApiError> {
        address(self.provider_ip)?;
        ports(self.ports, max_ports)?;
        transport(self.transport)?;
        challenge(self.challenge)?;
        value::<bool>("verbose", self.verbose, "true or false")?;
        attest(self.attest)
    }
}

fn address(field: Field<'_>) -> Result<(), ApiError> {
    let Some(text) = value::<String>("provider_ip", field, "a string or null")? else {
        return Ok(());
    };
    text.parse::<IpAddr>().map(drop).map_err(|_| {
        let message = format!(
            "provider_ip is {}; expected an IPv4 or IPv6 address without host name, zone, brackets \
             or port",
            quoted(&text)
        );
        ApiError::new(ErrorCode::InvalidIp, message)
    })
}

fn ports(field: Field<'_>, max_ports: usize) -> Result<(), ApiError> {
    const EXPECTED: &str = "expected an array of integers from 1 to 65535";
    let Some(raw) = field else {
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

fn transport(field: Field<'_>) -> Result<(), ApiError> {
    let Some(text) = value::<String>("transport", field, "a string or null")? else {
        return Ok(());
    };
    let names = Transport::ALL.iter().map(|transport| transport.name());
    if names.clone().any(|name| name == text) {
        return Ok(());
    }
    let names = names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    Err(invalid(format!("transport is {}; expected {names} or null", quoted(&text))))
}

fn challenge(field: Field<'_>) -> Result<(), ApiError> {
    let Some(text) = value::<String>("challenge", field, "a string or null")? else {
        return Ok(());
    };
    text.parse::<Challenge>().map(drop).map_err(|expected| {
        let message = format!("challenge is {}; {expected}", quoted(&text));
        ApiError::new(ErrorCode::InvalidChallenge, message)
    })
}

fn attest(field: Field<'_>) -> Result<(), ApiError> {
    let Some(raw) = field else { return Ok(()) };
    let object = raw.get().starts_with('{').then_some(raw.get());
    let fields = object.and_then(|text| serde_json::from_str::<AttestFields<'_>>(text).ok());
    let Some(AttestFields { audience, nonce }) = fields else {
        let shown = shown_field(field);
        return Err(invalid(format!("attest is {shown}; expected an object or null")));
    };
    for (name, field) in [("attest.audience", audience), ("attest.nonce", nonce)] {
        let expected =
            format!("1 to {} printable ASCII characters, or null", ClaimText::MAX_LENGTH);
        value::<ClaimText>(name, field, &expected)?;
    }
    Ok(())
}

/// Counts repeats too: the bound is on the ports asked for, whether they repeat or not.
fn within(max_ports: usize, asked: usize) -> Result<(), ApiError> {
    if asked <= max_ports {
        return Ok(());
    }
    let message = format!("{asked} ports asked for; at most {max_ports} are checked at once");
    Err(ApiError::new(ErrorCode::TooManyPorts, message))
}
