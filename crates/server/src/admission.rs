//! Whether a request may go on: who may have which target checked, when, and at which price.

pub(crate) mod admitted;
pub(crate) mod caller_slots;
pub(crate) mod check_kind;
pub(crate) mod context;
pub(crate) mod control;
pub(crate) mod cross_site;
pub(crate) mod deadline;
mod own_targets;
pub(crate) mod resolver;
pub(crate) mod server_name;
mod third_party;
