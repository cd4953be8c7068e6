//! Who may have which target checked, and when.

pub(crate) mod caller_slots;
pub(crate) mod cross_site;
pub(crate) mod resolver;
