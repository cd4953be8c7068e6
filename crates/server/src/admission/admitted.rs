//! A check that may begin.

use std::num::NonZeroU32;

use port_checker_limits::Receipt;
use port_checker_probe::{Admission, Target};

use super::{check_kind::CheckKind, deadline::Deadline};
use crate::{observe::check_summary::CheckSummary, rate_limit::RateLimitHeaders};

/// A check that may begin: its target was vetted, it has its first socket, and it is paid for. Every kind of
/// check takes one, and only [`AdmissionControl::admit`](super::control::AdmissionControl::admit) makes one.
pub(crate) struct Admitted {
    pub(crate) kind: CheckKind,
    pub(crate) target: Target,
    pub(crate) slot: Admission,
    /// Gives back the surplus price of a third party's ports whose challenge matched.
    pub(crate) receipt: Receipt,
    /// The allowances of the caller, for the headers of the answer.
    pub(crate) quota: RateLimitHeaders,
    pub(crate) deadline: Deadline,
    /// Where the verdicts are counted for the log.
    pub(crate) summary: CheckSummary,
    /// The most attempts at each port; none: as many as the settings say.
    pub(crate) max_attempts: Option<NonZeroU32>,
    pub(super) _sealed: Sealed,
}

/// Visible to admission alone, so that no other module can make an [`Admitted`].
pub(super) struct Sealed;
