//! What a router grants, and when it ends.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::Instant;

/// The shortest pause between two renewals of a mapping, however short a lease the router grants.
const MIN_RENEWAL_PAUSE: Duration = Duration::from_secs(1);

/// A mapping, as the router grants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Granted {
    /// The port on the Internet's side.
    pub(super) external_port: u16,
    /// None: it has no end.
    pub(super) lease_seconds: Option<u32>,
    /// The router's address on the Internet's side, if it was told.
    pub(super) address: Option<IpAddr>,
}

/// A lease that runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    /// None: it has no end.
    pub(super) seconds: Option<u32>,
    ends: Option<SystemTime>,
    /// When to renew it; none: never.
    pub(super) renew_at: Option<Instant>,
}

impl Lease {
    /// One that begins now, and is to be renewed after `renewal` at the latest.
    pub(super) fn begins(seconds: Option<u32>, renewal: Duration) -> Self {
        let length = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let half = length.map(|length| (length / 2).clamp(MIN_RENEWAL_PAUSE, renewal));
        Self {
            seconds,
            ends: length.and_then(|length| SystemTime::now().checked_add(length)),
            renew_at: half.map(|half| Instant::now() + half),
        }
    }

    /// When it ends, RFC 3339; none: never.
    pub(super) fn ends(&self) -> Option<String> {
        let whole = OffsetDateTime::from(self.ends?).replace_nanosecond(0).ok()?;
        whole.format(&Rfc3339).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_renewed_in_time_and_not_without_a_pause() {
        const MOST: Duration = Duration::from_secs(60);
        for (seconds, pause) in [
            (Some(120), Some(60)),
            (Some(4), Some(2)),
            (Some(0), Some(1)),
            (Some(u32::MAX), Some(60)),
            (None, None),
        ] {
            let begun = Instant::now();
            let lease = Lease::begins(seconds, MOST);
            let renewal = lease.renew_at.map(|at| at.duration_since(begun).as_secs());
            assert_eq!(renewal, pause, "{seconds:?}");
            assert_eq!(lease.ends().is_some(), seconds.is_some(), "{seconds:?}");
        }
    }
}
