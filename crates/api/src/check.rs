//! `POST /check-ports`: request and answer.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Attest, Challenge, Port, Results, Summary, Transport};

/// The body of `POST /check-ports`. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckRequest {
    /// The address to check: an IPv4 or IPv6 literal without zone, brackets or port. Left out or
    /// null: the caller's own address as the checker sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::ip_literal, required = false))]
    pub provider_ip: Option<IpAddr>,
    /// The ports to check, 1 to 65535. Repeats are checked once; an empty list is answered at
    /// once. The checker bounds their number (`PORT_CHECK_MAX_PORTS`).
    #[serde(deserialize_with = "crate::ports::from_json")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::ports))]
    pub ports: Vec<Port>,
    /// Left out or null: TCP. Others may require a challenge, or be for the caller's own address only; see
    /// [`Transport`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::transport, required = false))]
    pub transport: Option<Transport>,
    /// The line that the caller's listeners send, followed by a line feed, to every client that connects: 16 to 128
    /// printable ASCII characters; over UDP, the end of every [answer](crate::UdpAnswer). A port whose listener sends
    /// anything else is not accessible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::challenge, required = false))]
    pub challenge: Option<Challenge>,
    /// Whether each result says more: why, after how many attempts, how long the one that decided took,
    /// and the ICMP message of a router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbose: Option<bool>,
    /// Asks for a signed statement; requires a challenge, and a checker that has a key. Left out or null: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::attest, required = false))]
    pub attest: Option<Attest>,
}

impl CheckRequest {
    /// Asks about these ports of the caller's own address.
    pub fn of_ports(ports: impl IntoIterator<Item = Port>) -> Self {
        Self {
            provider_ip: None,
            ports: ports.into_iter().collect(),
            transport: None,
            challenge: None,
            verbose: None,
            attest: None,
        }
    }
}

/// The answer to `POST /check-ports`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckResponse {
    /// Whether at least one port is accessible.
    pub success: bool,
    /// One entry per port, in the order asked.
    pub results: Results,
    /// The numbers, for a person.
    pub message: String,
    /// Present if a statement was asked for: the compact JWS, or null if no port qualified, because none was open whose
    /// challenge matched.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::attest::statement"
    )]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::attestation, required = false))]
    pub attestation: Option<Option<String>>,
}

impl CheckResponse {
    /// Sums up `results`, without a statement.
    pub fn new(results: Results) -> Self {
        let accessible = results.iter().filter(|(_, result)| result.accessible).count();
        let Summary { success, message, .. } = Summary::new(accessible, results.len());
        Self { success, results, message, attestation: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PortResult, Reason};

    #[test]
    fn the_answer_has_exactly_the_fields_of_the_contract() {
        let results = [
            (Port::new(7466).unwrap(), PortResult::accessible()),
            (Port::new(50801).unwrap(), PortResult::not_accessible(Reason::Refused)),
        ];
        assert_eq!(
            serde_json::to_string(&CheckResponse::new(results.into_iter().collect())).unwrap(),
            concat!(
                r#"{"success":true,"results":{"7466":{"accessible":true,"error":null},"#,
                r#""50801":{"accessible":false,"error":"Connection refused"}},"#,
                r#""message":"Successfully verified 1 out of 2 ports"}"#
            )
        );
    }

    #[test]
    fn a_statement_that_was_asked_for_is_a_text_or_null() {
        let plain =
            r#"{"success":false,"results":{},"message":"Successfully verified 0 out of 0 ports""#;
        let line = r#"{"success":false,"message":"Successfully verified 0 out of 0 ports""#;
        let cases = [
            (None, "}"),
            (Some(None), r#","attestation":null}"#),
            (Some(Some("e30.e30.x".to_owned())), r#","attestation":"e30.e30.x"}"#),
        ];
        for (attestation, end) in cases {
            let answer = CheckResponse {
                attestation: attestation.clone(),
                ..CheckResponse::new(Results::default())
            };
            let json = format!("{plain}{end}");
            assert_eq!(serde_json::to_string(&answer).unwrap(), json);
            assert_eq!(serde_json::from_str::<CheckResponse>(&json).unwrap(), answer);
            let last = Summary { attestation, ..Summary::new(0, 0) };
            let json = format!("{line}{end}");
            assert_eq!(serde_json::to_string(&last).unwrap(), json);
            assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), last);
        }
    }

    #[test]
    fn no_ports_is_no_success() {
        let answer = CheckResponse::new(Results::default());
        assert!(!answer.success);
        assert_eq!(answer.message, "Successfully verified 0 out of 0 ports");
    }

    #[test]
    fn requests_the_types_accept_and_refuse() {
        let cases = [
            (r#"{"ports": [1, 65535]}"#, true, "the address may be left out"),
            (r#"{"provider_ip": null, "ports": []}"#, true, "or be null"),
            (r#"{"provider_ip": "::1", "ports": [80], "extra": {}}"#, true, "unknown fields"),
            (r#"{"provider_ip": "::1"}"#, false, "ports are required"),
            (r#"{"ports": [80], "transport": "udp"}"#, true, "the transport"),
            (r#"{"ports": [80], "transport": null}"#, true, "TCP"),
            (r#"{"ports": [80], "transport": "sctp"}"#, false, "a transport nobody knows"),
            (r#"{"ports": [80], "attest": {"nonce": "x"}}"#, true, "a statement is asked for"),
            (r#"{"ports": [80], "attest": null}"#, true, "none is"),
            (r#"{"ports": [80], "attest": true}"#, false, "no object"),
            (r#"{"ports": [0]}"#, false, "port 0 names no port"),
            (r#"{"ports": [65536]}"#, false, "above the range"),
            (r#"{"ports": [80.0]}"#, true, "an integer, if oddly written"),
            (r#"{"provider_ip": "127.1", "ports": [80]}"#, false, "not four numbers"),
            (r#"{"provider_ip": "0177.0.0.1", "ports": [80]}"#, false, "octal"),
            (r#"{"provider_ip": "fe80::1%lo", "ports": [80]}"#, false, "a zone"),
            (r#"{"provider_ip": "[::1]", "ports": [80]}"#, false, "brackets"),
        ];
        for (json, accepted, why) in cases {
            assert_eq!(serde_json::from_str::<CheckRequest>(json).is_ok(), accepted, "{why}");
        }
    }
}
