//! Datagrams to vetted targets, and the answers to them.
//!
//! The ports of a check share sockets, because an answer names its attempt by a token. The format of the
//! datagrams is in [`UdpQuestion`](port_checker_api::UdpQuestion) and
//! [`UdpAnswer`](port_checker_api::UdpAnswer).

mod ignored;
mod pending;
mod socket;
mod transport;

pub use ignored::IgnoredDatagrams;
pub(crate) use transport::UdpTransport;
