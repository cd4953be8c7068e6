//! The fixed properties of every token.

/// `typ`, the purpose of these tokens.
pub const TYPE: &str = "reachability+jwt";

/// `alg`, ECDSA on P-256 with SHA-256.
pub(crate) const ALGORITHM: &str = "ES256";

/// The bytes of a signature: two numbers (RFC 7518, section 3.4).
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// The longest token. The longest list of ports has two of every three (254,735 characters); the other claims are as
/// long as can be; base64 adds a third.
pub const MAX_TOKEN_BYTES: usize = 384 * 1024;
