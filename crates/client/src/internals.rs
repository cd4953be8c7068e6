//! A door for the fuzz target in `fuzz/`. Only built for it.

use std::fmt::Debug;

use crate::capture;

/// Reads a packet as a capture does; none if it is of no interest, or cut short.
pub fn packet(bytes: &[u8]) -> Option<impl Debug + PartialEq + use<>> {
    capture::packet::read(bytes)
}
