//! The settings of the limits.

/// How many probes (ports) may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// By one caller: an IPv4 address or an IPv6 /64.
    pub caller: Allowance,
    /// Of one target: an IPv4 address or an IPv6 /64. Third parties together may spend half of it, and
    /// nobody but the target the other half.
    pub target: Allowance,
    /// How many times a probe counts for its caller when the target is not the caller; 0 counts as 1.
    pub third_party_cost: u32,
}

/// How many probes a caller or target may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// In the long run; 0 turns the limit off.
    pub per_minute: u32,
    /// At once.
    pub burst: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { per_minute: 600, burst: 2048 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { caller: Allowance::default(), target: Allowance::default(), third_party_cost: 5 }
    }
}
