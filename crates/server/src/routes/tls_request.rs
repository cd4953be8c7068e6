//! From the bytes of a request to a [`TlsCheckRequest`], or to words about what is wrong with them.

use std::net::IpAddr;

use port_checker_api::{ErrorCode, JsonPort, Port, TlsCheckRequest};
use port_checker_probe::ServerName;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ports_request;
use crate::error::{self, ApiError, quoted, shortened};

/// The fields as they were written. Whatever else a body contains is passed over and not kept, so that
/// it costs one reading.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    host: Option<&'a RawValue>,
    #[serde(borrow)]
    port: Option<&'a RawValue>,
    #[serde(borrow)]
    expected_ip: Option<&'a RawValue>,
}

/// Parses a body, and the host in it.
pub(super) fn parse(body: &[u8]) -> Result<(TlsCheckRequest, ServerName<'static>), ApiError> {
    let fields: Fields<'_> = serde_json::from_str(ports_request::object(body)?)
        .map_err(|error| invalid(format!("the body is not JSON: {}", shortened(error))))?;
    let (host, name) = host(fields.host)?;
    let port = port(fields.port)?;
    let expected_ip = expected_ip(fields.expected_ip)?;
    Ok((TlsCheckRequest { host, port, expected_ip }, canonical(name)))
}

fn host(raw: Option<&RawValue>) -> Result<(String, ServerName<'static>), ApiError> {
    let refused = |shown: String| {
        invalid(format!(
            "host is {shown}; expected a DNS name, or an IPv4 or IPv6 address without brackets"
        ))
    };
    let Some(host) = raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()) else {
        return Err(refused(shown(raw)));
    };
    match ServerName::try_from(host.as_str()).map(|name| name.to_owned()) {
        Ok(name) => Ok((host, name)),
        Err(_) => Err(refused(quoted(&host))),
    }
}

/// Certificates contain the IPv4 address and not its IPv4-mapped form.
fn canonical(name: ServerName<'static>) -> ServerName<'static> {
    match name {
        ServerName::IpAddress(ip) => ServerName::IpAddress(IpAddr::from(ip).to_canonical().into()),
        name => name,
    }
}

fn port(raw: Option<&RawValue>) -> Result<Port, ApiError> {
    let read = |raw: &RawValue| serde_json::from_str::<JsonPort>(raw.get());
    if let Some(Ok(JsonPort(port))) = raw.map(read) {
        return Ok(port);
    }
    let message = format!("port is {}; expected an integer from 1 to 65535", shown(raw));
    let code = if raw.is_some() { ErrorCode::InvalidPort } else { ErrorCode::InvalidRequest };
    Err(ApiError::new(code, message))
}

/// None, like an empty text, is what clients send that have no address to expect.
fn expected_ip(raw: Option<&RawValue>) -> Result<Option<IpAddr>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    match text.as_deref().map(|text| (text, text.parse::<IpAddr>())) {
        Some(("", _)) => Ok(None),
        Some((_, Ok(ip))) => Ok(Some(ip.to_canonical())),
        _ => {
            let message = format!(
                "expected_ip is {}; expected an IPv4 or IPv6 address",
                error::shown(raw.get())
            );
            Err(ApiError::new(ErrorCode::InvalidIp, message))
        }
    }
}

fn shown(raw: Option<&RawValue>) -> String {
    raw.map_or_else(|| "missing or null".to_owned(), |raw| error::shown(raw.get()))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}
