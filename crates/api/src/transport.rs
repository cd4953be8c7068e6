//! The transport of a check of ports.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// The transport of a check of ports. Later versions may know more, which is why those who read one from a
/// checker use [`Extensible`](crate::Extensible).
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "The transport of a check of ports.")
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum Transport {
    /// TCP: whether a connection can be established.
    #[default]
    Tcp,
    /// UDP: whether datagrams arrive, and the answers to them; see [`UdpQuestion`](crate::UdpQuestion).
    Udp,
}

/// The rules of the contract for checks over one transport.
struct Rules {
    /// The transport's name in sentences.
    title: &'static str,
    requires_challenge: bool,
    is_for_own_address_only: bool,
}

impl Transport {
    /// Every transport.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The one place where the rules of a transport are written down.
    const fn rules(self) -> Rules {
        match self {
            Self::Tcp => {
                Rules { title: "TCP", requires_challenge: false, is_for_own_address_only: false }
            }
            // Strangers must not be sent datagrams, and a port that answers nothing in particular is no
            // evidence.
            Self::Udp => {
                Rules { title: "UDP", requires_challenge: true, is_for_own_address_only: true }
            }
        }
    }

    /// The transport's name on the wire, in logs and in metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The transport's name in sentences.
    pub const fn title(self) -> &'static str {
        self.rules().title
    }

    /// Whether a request without a challenge is refused.
    pub const fn requires_challenge(self) -> bool {
        self.rules().requires_challenge
    }

    /// Whether only the caller's own address is checked, whatever the checker's settings admit.
    pub const fn is_for_own_address_only(self) -> bool {
        self.rules().is_for_own_address_only
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Extensible;

    #[test]
    fn rules_of_the_contract() {
        let cases = [(Transport::Tcp, "TCP", false, false), (Transport::Udp, "UDP", true, true)];
        assert_eq!(cases.map(|(transport, ..)| transport), *Transport::ALL);
        for (transport, title, challenge, own_address) in cases {
            assert_eq!(transport.title(), title);
            assert_eq!(transport.requires_challenge(), challenge, "{title}");
            assert_eq!(transport.is_for_own_address_only(), own_address, "{title}");
        }
    }

    #[test]
    fn names_are_those_on_the_wire_and_others_are_kept() {
        for &transport in Transport::ALL {
            let json = serde_json::to_string(&transport).unwrap();
            assert_eq!(json, format!("\"{}\"", transport.name()));
            assert_eq!(serde_json::from_str::<Transport>(&json).unwrap(), transport);
        }
        let newer: Extensible<Transport> = serde_json::from_str(r#""sctp""#).unwrap();
        assert_eq!(newer, Extensible::Unknown("sctp".to_owned()));
        for other in [r#""sctp""#, r#""UDP""#, r#""""#, "17"] {
            assert!(serde_json::from_str::<Transport>(other).is_err(), "{other}");
        }
    }
}
