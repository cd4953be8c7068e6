//! A gauge that counts things while they exist.

use prometheus::IntGauge;

/// One of the things that a gauge counts, until dropped.
pub(crate) struct Counted(IntGauge);

impl Counted {
    /// Counts one more.
    pub(crate) fn in_gauge(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
