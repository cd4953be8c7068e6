//! A port as routers name it: by its number and its transport.

use std::num::NonZeroU16;

use super::facts::MappingTransport;

/// A port that is to have the same number on both sides of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RouterPort {
    /// Its number.
    pub(crate) number: NonZeroU16,
    /// Its transport.
    pub(crate) transport: MappingTransport,
}

impl RouterPort {
    /// The number as an integer.
    pub(super) const fn get(self) -> u16 {
        self.number.get()
    }
}
