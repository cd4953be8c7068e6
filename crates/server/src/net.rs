//! Connections: how they are accepted, bounded and ended, and who is at the other end.

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod caller;
pub(crate) mod connection;
pub(crate) mod connection_limit;
pub(crate) mod error_bodies;
pub(crate) mod heartbeat;
pub(crate) mod listen;
pub(crate) mod pool;
pub(crate) mod tls_server;
