//! The reasons why a token proves nothing.

use std::fmt;

use crate::{
    address::Address,
    invalid_claim::InvalidClaim,
    issuer::Issuer,
    key_id::KeyId,
    profile::{MAX_TOKEN_BYTES, TYPE},
};

/// A part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first: algorithm, type and key.
    Header,
    /// The second: the claims.
    Payload,
    /// The third.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// A token that proves nothing, and why. No message repeats text from a token that nobody trusted has signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Longer than any statement can be.
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// Not a compact JWS.
    #[error("the token does not have three parts with dots between them")]
    Parts,
    /// A part that is spelt in another way than the one that is right, or is no base64url.
    #[error("the {0} of the token is not base64url without padding in its only valid spelling")]
    Encoding(Part),
    /// A part that is not JSON, not an object, or ambiguous.
    #[error("the {0} of the token is not a JSON object in which every member is there once")]
    Json(Part),
    /// A header with `jku`, `jwk`, `x5u`, `x5c`, `crit`, `b64` or any other addition.
    #[error("the header of the token has members other than alg, typ and kid")]
    HeaderMembers,
    /// Another algorithm, such as `none` or HS256.
    #[error("the token is not signed with ES256, the only algorithm that is accepted")]
    Algorithm,
    /// A token for another purpose.
    #[error("the type of the token is not {TYPE}")]
    Type,
    /// No `kid`, or one of another form.
    #[error("the token does not name its key by an RFC 7638 thumbprint")]
    KeyId,
    /// A key that is not trusted, or not any more.
    #[error("the key {0} is not one of those that are trusted")]
    UnknownKey(KeyId),
    /// Changed after it was signed, or signed with another key.
    #[error("the signature does not match")]
    Signature,
    /// A claim that every statement has.
    #[error("the claim {0} is missing")]
    MissingClaim(&'static str),
    /// A claim of a wrong type or value.
    #[error(transparent)]
    InvalidClaim(#[from] InvalidClaim),
    /// The key of one issuer, the name of another.
    #[error("the statement says that {0} issued it, but its key is not a key of that issuer")]
    Issuer(Issuer),
    /// `iat` in the future.
    #[error("the statement was issued in the future, according to the clock here")]
    IssuedInFuture,
    /// `nbf` in the future.
    #[error("the statement is not valid yet")]
    NotYetValid,
    /// `exp` in the past.
    #[error("the statement has expired")]
    Expired,
    /// About another address.
    #[error("the statement is about {found} instead of {expected}")]
    Address {
        /// The one that was expected.
        expected: Address,
        /// The one in the statement.
        found: Address,
    },
    /// For somebody else, or for nobody in particular though an audience was expected.
    #[error("the statement is not for the expected audience")]
    Audience,
    /// For somebody in particular, and no audience was expected (RFC 7519, section 4.1.3).
    #[error(
        "the statement is for one audience only; it is accepted where that audience is expected"
    )]
    UnexpectedAudience,
    /// Without the nonce, or with another.
    #[error("the statement does not have the expected nonce")]
    Nonce,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_part() {
        let parts = [Part::Header, Part::Payload, Part::Signature];
        let messages = parts.map(|part| VerifyError::Encoding(part).to_string());
        for (message, name) in messages.iter().zip(["header", "payload", "signature"]) {
            assert!(message.starts_with(&format!("the {name} of the token is not ")), "{message}");
        }
    }
}
