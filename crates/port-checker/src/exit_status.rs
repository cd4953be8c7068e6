//! The exit statuses of the command.

use port_checker_client::Outcome;

/// Every port is accessible; the statements hold.
pub(crate) const ACCESSIBLE: u8 = 0;

/// A failure of a command that gives no verdicts.
pub(crate) const FAILURE: u8 = 1;

/// At least one port is not accessible; a statement does not hold.
pub(crate) const NOT_ACCESSIBLE: u8 = 1;

/// A setting or an argument cannot be used.
pub(crate) const UNUSABLE: u8 = 2;

/// There is no verdict about at least one port, or none at all.
pub(crate) const NO_VERDICT: u8 = 3;

/// Ctrl-C: 128 and the number of SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// 128 and the number of SIGTERM.
pub(crate) const TERMINATED: u8 = 143;

/// The status of an outcome; `local_suffices` where nobody outside need have been asked.
pub(crate) fn of_outcome(outcome: Outcome, local_suffices: bool) -> u8 {
    match outcome {
        Outcome::Accessible => ACCESSIBLE,
        Outcome::LocalOnly if local_suffices => ACCESSIBLE,
        Outcome::NotAccessible => NOT_ACCESSIBLE,
        _ => NO_VERDICT,
    }
}
