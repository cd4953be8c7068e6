//! Whether a request may go on: who may have which target checked, when, and at which price.

pub(crate) mod admitted;
pub(crate) mod caller_slots;
pub(crate) mod context;
pub(crate) mod control;
pub(crate) mod cross_site;
pub(crate) mod deadline;
pub(crate) mod resolver;
pub(crate) mod server_name;
mod third_party;
pub(crate) mod transport;
mod udp_targets;
