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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

impl Transport {
    /// Every transport.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The transport's name on the wire and in logs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Extensible;

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
