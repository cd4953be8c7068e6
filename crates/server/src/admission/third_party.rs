//! The rules about targets that are not the caller.

use std::num::NonZeroU32;

use port_checker_limits::Limits;

/// The most attempts at a port of a third party: each makes the kernel send several packets to a host
/// that did not ask for them.
const MAX_THIRD_PARTY_ATTEMPTS: NonZeroU32 = NonZeroU32::new(2).expect("not 0");

/// The most attempts at a port of an address that is not the caller's; none: as many as at the
/// caller's own, because the operator has made the one as cheap as the other.
pub(super) fn max_attempts(limits: &Limits) -> Option<NonZeroU32> {
    let are_dearer = limits.caller.per_minute > 0 && limits.third_party_cost > 1;
    are_dearer.then_some(MAX_THIRD_PARTY_ATTEMPTS)
}
