//! The refusal of a request that asks for more than the limits admit.

use std::time::Duration;

use crate::{charge::Charge, gcra::Balance, quota::Quota};

/// How long a client is told to wait at least, so that it does not come back within the same second
/// for a handful of probes.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// A limit refuses a request; the message says which and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    message: String,
    /// When the same request would be admitted; none: never.
    pub retry_after: Option<Duration>,
    /// The allowances that the caller has left.
    pub quota: Quota,
}

impl Refused {
    /// The refusal of a request of which the charge with this index was refused.
    pub(crate) fn new(
        charges: &[Charge],
        (index, balance): (usize, Balance),
        quota: Quota,
    ) -> Self {
        let never = charges.iter().filter(|charge| charge.ports > charge.max_ports());
        match never.min_by_key(|charge| charge.max_ports()) {
            Some(charge) => Self { message: never_admitted(charge), retry_after: None, quota },
            None => {
                let message = not_now(&charges[index], balance.remaining);
                Self { message, retry_after: Some(balance.wait.max(MIN_WAIT)), quota }
            }
        }
    }
}

fn never_admitted(charge: &Charge) -> String {
    let advice = match charge.max_ports() {
        0 => "this checker's limits admit no check of an address other than your own".to_owned(),
        most => format!("so many are never admitted; ask for at most {most} at once"),
    };
    format!("{} ports are more than the limits admit{}: {advice}", charge.ports, cost(charge))
}

fn not_now(charge: &Charge, remaining: u64) -> String {
    format!(
        "{} ports are more than {} now{}: {} are left; come back after Retry-After",
        charge.ports,
        charge.scope.allowance_of(charge.subject),
        cost(charge),
        remaining / charge.each
    )
}

/// Why ports count several times, if they do.
fn cost(charge: &Charge) -> String {
    match charge.each {
        1 => String::new(),
        each => format!(" (each counts {each} times, because the target is not the caller)"),
    }
}
