//! Signed statements that ports are open: a verdict that a third party can check without a connection.
//!
//! A statement is a compact JWS (RFC 7515) of one fixed form: algorithm ES256, type `reachability+jwt`, the
//! RFC 7638 thumbprint of the key as its id, and [`Claims`]. A checker signs with a [`SigningKey`] and publishes a
//! [`KeySet`]; a verifier has a [`TrustStore`] and [`Expectations`], and compares several [`Statement`]s with
//! [`proven`]. Nothing here reads a file, a clock or the network, except that to sign takes random numbers.
//!
//! ```
//! # use port_checker_attestation::*;
//! # fn example(pem: &[u8], now: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::from_pem(pem)?;
//! let issuer: Issuer = "https://checker.example.net".parse()?;
//! let token = key.sign(&Claims {
//!     issuer: issuer.clone(),
//!     validity: Validity::new(now, 7200)?,
//!     id: TokenId::from_bytes(&[7; 16]),
//!     audience: None,
//!     nonce: None,
//!     address: "192.0.2.7".parse()?,
//!     transport: port_checker_api::Transport::Tcp,
//!     open: "7466,50800-50899".parse()?,
//!     challenge: "0123456789abcdef".parse()?,
//!     vantage: None,
//! })?;
//!
//! let published = KeySet::from_iter([key.public().clone()]).to_json();
//! let mut trusted = TrustStore::default();
//! trusted.add(Some(issuer), KeySet::from_json(&published)?)?;
//! let statement = Expectations::new(&trusted, now).verify(&token)?;
//! assert!(statement.claims().open.contains(50_899));
//! # Ok(())
//! # }
//! ```
//!
//! # Strictness
//!
//! Refused is everything that two readers could understand differently: another algorithm or type, any further member
//! of the header (it could only say how to verify), a key that was not trusted before, base64url in another spelling,
//! a member twice at whatever depth, a list of ports, an address or an issuer in a second form, and times that
//! contradict each other, or the clock by more than [`LEEWAY_SECONDS`]. Unknown claims are ignored (RFC 7519,
//! section 4): they cannot change what the known ones say, and a later checker can add some. `nbf` is obeyed, because
//! it restricts. A signature is not a name: another valid one can be computed from it, so that statements are told
//! apart by `jti`.
//!
//! # Why not a crate for JWT
//!
//! `jsonwebtoken` was considered (11.1, with a provider over `ring`). It implements neither cryptography nor these
//! rules: it does not compare `typ`, takes `jku`, `jwk`, `x5u` and any further member of a header, takes unknown
//! members twice, knows no greatest length, no longest lifetime and no `iat` in the future. All of that would have to
//! be checked on the text again, by a second parser that could read it differently. Its provider is one for the
//! whole process, and it brings a second `base64`. The rest is to join three parts and to call `ring`, which
//! is in the program already because of TLS.

mod address;
mod base64url;
mod claims;
mod encoded_claims;
mod invalid_claim;
mod issuer;
mod json;
mod key_id;
mod key_set;
mod open_ports;
mod profile;
mod public_key;
mod quorum;
mod report;
#[cfg(test)]
mod samples;
mod signing_key;
mod text;
mod timestamp;
mod token;
mod trust_store;
mod validity;
mod vantage;
mod verification;
mod verify_error;

pub use address::Address;
pub use claims::Claims;
pub use invalid_claim::InvalidClaim;
pub use issuer::Issuer;
pub use key_id::{InvalidKeyId, KeyId};
pub use key_set::{KeySet, KeySetError, MAX_KEY_SET_BYTES};
pub use open_ports::OpenPorts;
pub use profile::{MAX_TOKEN_BYTES, TYPE};
pub use public_key::PublicKey;
pub use quorum::{QuorumResult, proven};
pub use report::{Examined, Report};
pub use signing_key::{KeyError, MAX_PEM_BYTES, SignError, SigningKey};
pub use text::{Audience, Nonce, TokenId};
pub use timestamp::Timestamp;
pub use trust_store::{TrustError, TrustStore};
pub use validity::{LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, Validity};
pub use vantage::{Rir, Vantage, VantageCode};
pub use verification::{Expectations, Statement};
pub use verify_error::{Part, VerifyError};
