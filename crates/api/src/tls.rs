//! `POST /check-tls`: request and answer.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{JsonPort, Port};

/// The body of `POST /check-tls`. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TlsCheckRequest {
    /// The name the server should prove to be: a DNS name, or an IPv4 or IPv6 literal.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::host))]
    pub host: String,
    /// The TCP port.
    #[serde(deserialize_with = "port")]
    #[cfg_attr(feature = "openapi", schema(value_type = u16, minimum = 1, maximum = 65_535))]
    pub port: Port,
    /// An address that the certificate should contain too. An empty text is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "expected_ip")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::expected_ip, required = false))]
    pub expected_ip: Option<IpAddr>,
}

/// The answer to `POST /check-tls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TlsCheckResponse {
    /// Whether the server proved to be who it should be, with a certificate that is valid now.
    pub valid: bool,
    /// Who was asked for, `host:port`.
    pub peer: String,
    /// The problem, in words; null if there is none.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub error: Option<String>,
    /// When the certificate ceases to be valid (RFC 3339), whether it is valid or not; null if the
    /// server showed none that can be read.
    #[cfg_attr(feature = "openapi", schema(required = true, format = DateTime))]
    pub not_after: Option<String>,
}

fn port<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Port, D::Error> {
    JsonPort::deserialize(deserializer).map(|JsonPort(port)| port)
}

fn expected_ip<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<IpAddr>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| text.parse()).transpose().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_exactly_the_fields_of_the_contract() {
        let answer = TlsCheckResponse {
            valid: true,
            peer: "checker.example:443".to_owned(),
            error: None,
            not_after: Some("2030-01-01T00:00:00Z".to_owned()),
        };
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"valid":true,"peer":"checker.example:443","error":null,"not_after":"2030-01-01T00:00:00Z"}"#
        );
    }

    #[test]
    fn requests_the_types_accept_and_refuse() {
        let cases = [
            (r#"{"host": "a.example", "port": 443}"#, true, "the usual"),
            (
                r#"{"host": "::1", "port": 443.0, "expected_ip": null, "x": 1}"#,
                true,
                "oddly written",
            ),
            (
                r#"{"host": "a.example", "port": 443, "expected_ip": "2001:db8::1"}"#,
                true,
                "an address",
            ),
            (r#"{"host": "a.example", "port": 443, "expected_ip": ""}"#, true, "an empty text"),
            (r#"{"host": "a.example"}"#, false, "the port is required"),
            (r#"{"host": "a.example", "port": 0}"#, false, "names no port"),
            (r#"{"host": "a.example", "port": 1, "expected_ip": "a"}"#, false, "no address"),
        ];
        for (json, accepted, why) in cases {
            assert_eq!(serde_json::from_str::<TlsCheckRequest>(json).is_ok(), accepted, "{why}");
        }
    }
}
