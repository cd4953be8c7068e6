//! Who connected to a port, as far as that is known.

use crate::sights::PeerSights;

/// Whose connections came to a port.
#[derive(Debug, Clone)]
pub(super) struct Senders {
    /// Whether it is certain that those which are not the stranger's are the checkers'.
    pub(super) is_certain: bool,
    /// The packets of the first stranger.
    pub(super) stranger: Option<PeerSights>,
    /// Those of the first neighbour that is hardly a checker, where no address is proven.
    pub(super) neighbour: Option<PeerSights>,
}
