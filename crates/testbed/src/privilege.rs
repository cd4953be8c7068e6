//! Work with fewer rights than the tests have.

use std::thread;

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// Runs `work` on a thread that may not open raw and packet sockets, as a usual user may not.
///
/// # Panics
/// When `work` does.
pub fn without_raw_sockets<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let renounce = || {
        let mut sets = capabilities(None).expect("a thread may ask");
        sets.effective.remove(CapabilitySet::NET_RAW);
        set_capabilities(None, sets).expect("a thread may renounce");
        work()
    };
    thread::scope(|scope| scope.spawn(renounce).join().expect("no panic without the right"))
}
