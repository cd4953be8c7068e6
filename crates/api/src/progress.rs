//! The lines of a check that reports its progress, and the answers about one's own address.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Port, PortResult};

/// The media type of an answer that arrives line by line, one JSON value each.
pub const NDJSON: &str = "application/x-ndjson";

/// One line of an `application/x-ndjson` answer: a port was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The port.
    pub port: Port,
    /// The result.
    #[serde(flatten)]
    pub result: PortResult,
}

/// The last line of an `application/x-ndjson` answer that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whether at least one port is accessible.
    pub success: bool,
    /// The numbers, for a person.
    pub message: String,
    /// Present if a statement was asked for; see [`CheckResponse`](crate::CheckResponse).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::attest::statement"
    )]
    pub attestation: Option<Option<String>>,
}

impl Summary {
    /// Sums up a check of `ports` ports, without a statement.
    pub fn new(accessible: usize, ports: usize) -> Self {
        let message = format!("Successfully verified {accessible} out of {ports} ports");
        Self { success: accessible > 0, message, attestation: None }
    }
}

/// The JSON answer of `GET /ip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnAddress {
    /// The caller's address as the checker sees it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub ip: IpAddr,
}

/// The answer of `GET /port/{port}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnPort {
    /// The caller's address as the checker sees it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub ip: IpAddr,
    /// The port.
    #[cfg_attr(feature = "openapi", schema(value_type = u16, minimum = 1, maximum = 65_535))]
    pub port: Port,
    /// The result.
    #[serde(flatten)]
    pub result: PortResult,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn lines_have_the_shape_of_the_contract() {
        let port = Port::new(7466).unwrap();
        let progress = Progress { port, result: PortResult::accessible() };
        let cases = [
            (serde_json::to_string(&progress), r#"{"port":7466,"accessible":true,"error":null}"#),
            (
                serde_json::to_string(&Summary::new(1, 2)),
                r#"{"success":true,"message":"Successfully verified 1 out of 2 ports"}"#,
            ),
            (
                serde_json::to_string(&OwnPort {
                    ip: "::1".parse().unwrap(),
                    port,
                    result: PortResult::not_accessible(Reason::Refused),
                }),
                r#"{"ip":"::1","port":7466,"accessible":false,"error":"Connection refused"}"#,
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(json.unwrap(), expected);
        }
    }
}
