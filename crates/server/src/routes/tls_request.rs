//! The body of `POST /check-tls`, or words about its mistake.

use std::net::IpAddr;

use port_checker_api::{ErrorCode, JsonPort, TlsCheckRequest};
use port_checker_probe::ServerName;
use serde::Deserialize;

use super::json_object::{self, Field, invalid, shown_field};
use crate::error::{ApiError, quoted};

/// Parses a body, and the host in it.
///
/// # Errors
/// It is not a good request.
pub(super) fn parse(body: &[u8]) -> Result<(TlsCheckRequest, ServerName<'static>), ApiError> {
    let request: TlsCheckRequest =
        json_object::parse(body, |fields: TlsFields<'_>| fields.complain())?;
    let name = server_name(&request.host)?;
    let expected_ip = request.expected_ip.map(|ip| ip.to_canonical());
    Ok((TlsCheckRequest { expected_ip, ..request }, name))
}

#[derive(Deserialize)]
struct TlsFields<'a> {
    #[serde(borrow)]
    host: Field<'a>,
    #[serde(borrow)]
    port: Field<'a>,
    #[serde(borrow)]
    expected_ip: Field<'a>,
}

impl TlsFields<'_> {
    fn complain(&self) -> Result<(), ApiError> {
        host(self.host)?;
        port(self.port)?;
        expected_ip(self.expected_ip)
    }
}

fn host(field: Field<'_>) -> Result<(), ApiError> {
    match field.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()) {
        Some(host) => server_name(&host).map(drop),
        None => Err(invalid_host(&shown_field(field))),
    }
}

/// Certificates contain the IPv4 address and not its IPv4-mapped form.
fn server_name(host: &str) -> Result<ServerName<'static>, ApiError> {
    match ServerName::try_from(host) {
        Ok(ServerName::IpAddress(ip)) => {
            Ok(ServerName::IpAddress(IpAddr::from(ip).to_canonical().into()))
        }
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(invalid_host(&quoted(host))),
    }
}

fn invalid_host(shown: &str) -> ApiError {
    invalid(format!(
        "host is {shown}; expected a DNS name, or an IPv4 or IPv6 address without brackets"
    ))
}

fn port(field: Field<'_>) -> Result<(), ApiError> {
    if field.is_some_and(|raw| serde_json::from_str::<JsonPort>(raw.get()).is_ok()) {
        return Ok(());
    }
    let message = format!("port is {}; expected an integer from 1 to 65535", shown_field(field));
    let code = if field.is_some() { ErrorCode::InvalidPort } else { ErrorCode::InvalidRequest };
    Err(ApiError::new(code, message))
}

/// Clients that expect no address send null, or an empty text.
fn expected_ip(field: Field<'_>) -> Result<(), ApiError> {
    let Some(raw) = field else { return Ok(()) };
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    if text.is_some_and(|text| text.is_empty() || text.parse::<IpAddr>().is_ok()) {
        return Ok(());
    }
    let message =
        format!("expected_ip is {}; expected an IPv4 or IPv6 address", shown_field(field));
    Err(ApiError::new(ErrorCode::InvalidIp, message))
}
