//! Why a port is not accessible.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// Why a port is not accessible: always a statement about the target. Later versions may know more
/// reasons, which is why those who read one use [`Extensible`](crate::Extensible).
///
/// A failure on the checker's own side is never a reason; it is an
/// [`ErrorCode`](crate::ErrorCode).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(
        description = "Why a port is not accessible: always a statement about the target. A failure on the checker's own \
                       side is never a reason; it is an error code."
    )
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The host answered: nothing listens there, or the forward points at the wrong machine.
    Refused,
    /// Nothing came back: a firewall drops it, or no forward exists.
    TimedOut,
    /// A router on the way said that it cannot reach the host, or may not.
    HostUnreachable,
    /// A router beyond the checker said that it knows no way to the network.
    NetworkUnreachable,
    /// Something accepted the connection and hung up.
    Reset,
    /// A listener answered without the caller's challenge.
    ChallengeFailed,
}

impl Reason {
    /// Every reason, in the order of the contract.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The text of the `error` field, word for word as in the contract.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Refused => "Connection refused",
            Self::TimedOut => "Connection timed out",
            Self::HostUnreachable => "No route to host",
            Self::NetworkUnreachable => "Network unreachable",
            Self::Reset => "Connection reset by peer",
            Self::ChallengeFailed => "Port answered, but not from this caller",
        }
    }

    /// The reason whose [`text`](Self::text) this is, if there is one.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.text() == text)
    }

    /// The reason's name on the wire, in logs and in metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_leads_back_to_its_reason() {
        for &reason in Reason::ALL {
            assert_eq!(Reason::from_text(reason.text()), Some(reason));
        }
        assert_eq!(Reason::from_text("[Errno 101] Network is unreachable"), None);
    }

    #[test]
    fn names_are_those_that_serde_writes() {
        for reason in Reason::ALL {
            assert_eq!(
                serde_json::to_string(&reason).unwrap(),
                format!("\"{}\"", reason.name()),
                "{reason:?}"
            );
        }
    }
}
