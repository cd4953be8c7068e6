//! Threads that stand for other machines do not compete with the program under test for a processor.

use std::process::{Command, Stdio};

use rustix::thread::gettid;

/// Lets this thread go before all that are scheduled as usual; see sched(7), `SCHED_RR`. Without the
/// right to it, delays are only less exact while the processors are busy.
pub(crate) fn go_first() {
    let thread = gettid().as_raw_nonzero().to_string();
    let mut chrt = Command::new("chrt");
    chrt.args(["--rr", "--pid", "1", &thread]).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = chrt.status();
}
