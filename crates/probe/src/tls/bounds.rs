//! Bounds on the data that a target may send during a handshake.

/// The most that is read from a target, in bytes. The certificates of a server and those that lead
/// to a trust root take 2 to 10 KiB, a list of authorities for clients' certificates at most as much
/// again; the TLS library alone would take 64 KiB for each message.
pub(super) const MAX_HANDSHAKE_BYTES: u64 = 64 * 1024;

/// The most certificates beside its own that a target may show. Honest servers show one or two; the cost of
/// a verification grows with the number of orders that they can be put in.
pub(super) const MAX_INTERMEDIATES: usize = 8;
