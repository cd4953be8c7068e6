//! What stands for other machines does not compete with the program under test for a processor.

use rustix::{process::setpriority_process, thread::gettid};

/// Below what tests and the programs under test run at; see setpriority(2).
const NICENESS: i32 = -15;

/// Lets this thread go before others. Without the right to it, delays are only less exact while the
/// processors are busy.
pub(crate) fn go_first() {
    let _ = setpriority_process(Some(gettid()), NICENESS);
}
