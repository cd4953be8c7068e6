//! From the bytes of a request to a [`TlsCheckRequest`], or to words about what is wrong with them.

use std::net::IpAddr;

use port_checker_api::{ErrorCode, JsonPort, TlsCheckRequest};
use port_checker_probe::ServerName;
use serde::Deserialize;
use serde_json::Value;

use super::check_request;
use crate::error::{self, ApiError, quoted, shortened};

/// Parses a body, and the host in it.
pub(super) fn parse(body: &[u8]) -> Result<(TlsCheckRequest, ServerName<'static>), ApiError> {
    let value: Value = serde_json::from_str(check_request::object(body)?)
        .map_err(|error| invalid(format!("the body is not JSON: {}", shortened(error))))?;
    let Value::Object(fields) = &value else {
        return Err(invalid("the body is not a JSON object"));
    };
    let name = host(fields.get("host"))?;
    port(fields.get("port"))?;
    expected_ip(fields.get("expected_ip"))?;
    let mut request = TlsCheckRequest::deserialize(value)
        .map_err(|error| invalid(format!("the body is not a request: {}", shortened(error))))?;
    request.expected_ip = request.expected_ip.map(|ip| ip.to_canonical());
    Ok((request, canonical(name)))
}

fn host(value: Option<&Value>) -> Result<ServerName<'static>, ApiError> {
    const EXPECTED: &str = "expected a DNS name, or an IPv4 or IPv6 address without brackets";
    let Some(Value::String(host)) = value else {
        return Err(invalid(format!("host is {}; {EXPECTED}", shown(value))));
    };
    ServerName::try_from(host.as_str())
        .map(|name| name.to_owned())
        .map_err(|_| invalid(format!("host is {}; {EXPECTED}", quoted(host))))
}

/// Certificates contain the IPv4 address and not its IPv4-mapped form.
fn canonical(name: ServerName<'static>) -> ServerName<'static> {
    match name {
        ServerName::IpAddress(ip) => ServerName::IpAddress(IpAddr::from(ip).to_canonical().into()),
        name => name,
    }
}

fn port(value: Option<&Value>) -> Result<(), ApiError> {
    let read = |value: &Value| JsonPort::deserialize(value).is_ok();
    if value.is_some_and(read) {
        return Ok(());
    }
    let message = format!("port is {}; expected an integer from 1 to 65535", shown(value));
    let code = if value.is_some() { ErrorCode::InvalidPort } else { ErrorCode::InvalidRequest };
    Err(ApiError::new(code, message))
}

fn expected_ip(value: Option<&Value>) -> Result<(), ApiError> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) if text.parse::<IpAddr>().is_ok() => Ok(()),
        other => {
            let message =
                format!("expected_ip is {}; expected an IPv4 or IPv6 address", shown(other));
            Err(ApiError::new(ErrorCode::InvalidIp, message))
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), |value| error::shown(&value.to_string()))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}
