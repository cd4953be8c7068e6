//! Whether a token proves anything.

use crate::{
    address::Address,
    claims::Claims,
    encoded_claims,
    key_id::KeyId,
    text::{Audience, Nonce},
    timestamp::Timestamp,
    token::Unverified,
    trust_store::TrustStore,
    verify_error::VerifyError,
};

/// The conditions under which a token is believed. Without further ones: a trusted issuer signed it, and now is
/// within its time.
#[derive(Debug, Clone)]
pub struct Expectations<'a> {
    /// The issuers that may have signed it.
    pub trusted: &'a TrustStore,
    /// The time.
    pub now: Timestamp,
    /// The address that it is to be about; left out for whichever.
    pub address: Option<Address>,
    /// The reader, if it is to be for one only. Left out, a token for one reader is refused.
    pub audience: Option<Audience>,
    /// The value that its reader chose; left out for whichever, or none.
    pub nonce: Option<Nonce>,
}

/// Claims that a trusted issuer signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    claims: Claims,
    key: KeyId,
    authority: usize,
}

impl Statement {
    /// The content.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that signed it.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Which of the trusted issuers this is, whatever it calls itself.
    pub(crate) fn authority(&self) -> usize {
        self.authority
    }
}

impl<'a> Expectations<'a> {
    /// No further conditions.
    pub fn new(trusted: &'a TrustStore, now: Timestamp) -> Self {
        Self { trusted, now, address: None, audience: None, nonce: None }
    }

    /// Verifies a token. Nothing but its header is read before its signature is verified.
    ///
    /// # Errors
    /// The first reason why it is not believed.
    pub fn verify(&self, token: &str) -> Result<Statement, VerifyError> {
        let token = Unverified::parse(token)?;
        let key = token.key;
        let (authority, public) = self.trusted.key(key).ok_or(VerifyError::UnknownKey(key))?;
        if !public.verifies(token.message.as_bytes(), &token.signature) {
            return Err(VerifyError::Signature);
        }
        let claims = encoded_claims::decode(&token.payload()?, self.now)?;
        if !self.trusted.may_sign_as(authority, &claims.issuer) {
            return Err(VerifyError::Issuer(claims.issuer));
        }
        self.compare(&claims)?;
        Ok(Statement { claims, key, authority })
    }

    fn compare(&self, claims: &Claims) -> Result<(), VerifyError> {
        if claims.validity.begins_after(self.now) {
            return Err(VerifyError::IssuedInFuture);
        }
        if claims.validity.has_ended(self.now) {
            return Err(VerifyError::Expired);
        }
        if let Some(expected) = self.address.filter(|address| *address != claims.address) {
            return Err(VerifyError::Address { expected, found: claims.address });
        }
        match (&self.audience, &claims.audience) {
            (None, Some(_)) => return Err(VerifyError::UnexpectedAudience),
            (expected, found) if expected != found => return Err(VerifyError::Audience),
            _ => {}
        }
        if self.nonce.is_some() && self.nonce != claims.nonce {
            return Err(VerifyError::Nonce);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
