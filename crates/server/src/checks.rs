//! One file a kind of check: from an admitted check to its outcome, and from an outcome to its words.

pub(crate) mod attester;
pub(crate) mod checker;
mod clock;
pub(crate) mod encode;
pub(crate) mod outcome;
pub(crate) mod ports;
pub(crate) mod progress;
pub(crate) mod tls;
pub(crate) mod verification;
