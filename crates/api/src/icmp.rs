//! ICMP messages of a router or a host about a port.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// An ICMP message about a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Icmp {
    /// The message.
    pub message: IcmpMessage,
    /// Who sent it: a router on the way, or the host itself.
    pub from: IpAddr,
}

/// The meaning of an ICMP "destination unreachable" message (RFC 792, RFC 1812, RFC 4443).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum IcmpMessage {
    /// Nothing listens on the port, or a firewall rejects it in these words (the default of
    /// `REJECT`).
    PortUnreachable,
    /// The sender cannot reach the host.
    HostUnreachable,
    /// The sender has no route to the network.
    NetworkUnreachable,
    /// A filter of the sender forbids it.
    AdministrativelyProhibited,
    /// A message that this version does not know; a checker of this version never sends it.
    #[serde(other)]
    Unknown,
}

impl IcmpMessage {
    /// Every message that a checker of this version sends, in the order of the contract.
    pub const ALL: [Self; 4] = [
        Self::PortUnreachable,
        Self::HostUnreachable,
        Self::NetworkUnreachable,
        Self::AdministrativelyProhibited,
    ];

    /// The message's name on the wire and in logs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_serde_writes() {
        for message in IcmpMessage::ALL {
            let json = format!("\"{}\"", message.name());
            assert_eq!(serde_json::to_string(&message).unwrap(), json);
            assert_eq!(serde_json::from_str::<IcmpMessage>(&json).unwrap(), message);
        }
    }

    #[test]
    fn a_message_of_a_newer_checker_is_understood_as_one() {
        let icmp: Icmp =
            serde_json::from_str(r#"{"message":"time_exceeded","from":"192.0.2.1"}"#).unwrap();
        assert_eq!(icmp.message, IcmpMessage::Unknown);
    }
}
