//! All attacks, by kind.

use super::attack::Attack;

pub(super) mod certificates;
mod drained_allowances;
mod http2_heads;
mod kept_bodies;
mod log_floods;
mod other_pages;
mod silent_checks;
mod unread_answers;

/// The kinds that are made unless others are asked for.
pub(super) const USUAL: &str = "ABCDEFG";

/// Every attack of the soak. Together they have fewer connections than the service takes, of which no
/// bound can keep honest callers from sharing the rest with attackers of many addresses.
pub(super) fn all() -> Vec<&'static Attack> {
    let all: [&'static [Attack]; 8] = [
        certificates::ATTACKS,
        unread_answers::ATTACKS,
        http2_heads::ATTACKS,
        kept_bodies::ATTACKS,
        drained_allowances::ATTACKS,
        silent_checks::ATTACKS,
        other_pages::ATTACKS,
        log_floods::ATTACKS,
    ];
    all.into_iter().flatten().collect()
}
