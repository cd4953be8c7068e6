//! Whether the system trusts its clock.

use std::io;

use rtime_clock::adjtime::{Timex, adjtimex};

/// Asks whether the clock is synchronised; the error of a system that does not say.
pub(super) type ClockState = fn() -> io::Result<bool>;

/// Asks the kernel, which the program that sets the clock (chrony, ntpd, systemd-timesyncd) tells. A container's kernel
/// is that of its host.
pub(super) fn is_synchronised() -> io::Result<bool> {
    // Nothing is set, so that no right is needed.
    let mut clock = Timex::new();
    adjtimex(&mut clock)?;
    Ok(clock.0.status & libc::STA_UNSYNC == 0)
}
