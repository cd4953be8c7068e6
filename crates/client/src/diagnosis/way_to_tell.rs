//! How to learn whether this machine's firewall is the cause, where that is not known.

use crate::facts::Watch;

/// A sentence with a blank before it; nothing if there is no such way.
pub(super) const fn way_to_tell(watch: Watch) -> &'static str {
    match watch {
        Watch::NotPermitted => {
            " Run as root, this would tell whether this machine's firewall is the cause."
        }
        Watch::Yes { lost: 1.. } => {
            " Packets were lost before they could be read: verify again to learn whether this \
             machine's firewall is the cause."
        }
        _ => "",
    }
}
