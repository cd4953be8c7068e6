//! The end of a worker before its work is done.

use crate::fault::Fault;

/// The reason why a worker stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The deadline.
    Deadline,
    /// The checker could not judge.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
