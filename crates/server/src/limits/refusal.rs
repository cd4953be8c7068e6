//! What a caller is told that asks for more than the limits admit.

use port_checker_api::ErrorCode;

use super::{Balance, Charge, SHORTEST_WAIT, Scope};
use crate::error::ApiError;

/// The answer to a request of which the charge with this index was refused.
pub(super) fn refusal(charges: &[Charge], (index, balance): (usize, Balance)) -> ApiError {
    let never = charges.iter().filter(|charge| charge.ports > charge.max_ports());
    let message = match never.min_by_key(|charge| charge.max_ports()) {
        Some(charge) => return ApiError::new(ErrorCode::RateLimited, never_admitted(charge)),
        None => not_now(&charges[index], balance.remaining),
    };
    let wait = balance.wait.max(SHORTEST_WAIT);
    ApiError::new(ErrorCode::RateLimited, message).with_retry_after(wait)
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
        whose(charge),
        cost(charge),
        remaining / charge.each
    )
}

fn whose(charge: &Charge) -> String {
    let subject = charge.subject.address();
    match charge.scope {
        Scope::Caller => format!("the caller {subject} may have checked"),
        Scope::TargetItself => format!("the target {subject} may have checked of itself"),
        Scope::ThirdParties => format!("others may have checked of the target {subject}"),
    }
}

/// Why ports count several times, if they do.
fn cost(charge: &Charge) -> String {
    match charge.each {
        1 => String::new(),
        each => format!(" (each counts {each} times, because the target is not the caller)"),
    }
}
