//! One file a kind of check.

pub(crate) mod ports;
pub(crate) mod progress;
pub(crate) mod tls;
pub(crate) mod verification;
