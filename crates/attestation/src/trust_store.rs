//! The issuers that a verifier trusts, and their keys.

use crate::{issuer::Issuer, key_id::KeyId, key_set::KeySet, public_key::PublicKey};

/// The issuers that a verifier trusts. It is filled by its owner: nothing in a token adds to it.
#[derive(Debug, Clone, Default)]
pub struct TrustStore(Vec<Authority>);

#[derive(Debug, Clone)]
struct Authority {
    issuer: Option<Issuer>,
    keys: KeySet,
}

/// One issuer given twice: it would count for two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// By its name.
    #[error("the issuer {0} is given twice")]
    SameIssuer(Issuer),
    /// By one of its keys.
    #[error("the key {0} is given twice: each issuer has keys that no other has")]
    SameKey(KeyId),
}

impl TrustStore {
    /// Trusts some keys of one issuer: to sign in the name given, or, without a name, in whatever name that is not
    /// one of the others'.
    ///
    /// # Errors
    /// The name or a key is trusted already.
    pub fn add(&mut self, issuer: Option<Issuer>, keys: KeySet) -> Result<(), TrustError> {
        if let Some(issuer) = issuer.as_ref().filter(|issuer| self.named(issuer).is_some()) {
            return Err(TrustError::SameIssuer(issuer.clone()));
        }
        if let Some(key) = keys.iter().find(|key| self.key(key.id()).is_some()) {
            return Err(TrustError::SameKey(key.id()));
        }
        self.0.push(Authority { issuer, keys });
        Ok(())
    }

    /// The key of a name, and the number of the issuer to which it belongs.
    pub(crate) fn key(&self, id: KeyId) -> Option<(usize, &PublicKey)> {
        let mut keys = self
            .0
            .iter()
            .enumerate()
            .filter_map(|(index, authority)| authority.keys.get(id).map(|key| (index, key)));
        keys.next()
    }

    /// Whether an issuer may sign in a name.
    pub(crate) fn may_sign_as(&self, authority: usize, issuer: &Issuer) -> bool {
        match self.0.get(authority).and_then(|authority| authority.issuer.as_ref()) {
            Some(name) => name == issuer,
            None => self.named(issuer).is_none(),
        }
    }

    fn named(&self, issuer: &Issuer) -> Option<&Authority> {
        self.0.iter().find(|authority| authority.issuer.as_ref() == Some(issuer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(number: u8) -> KeySet {
        PublicKey::from_point(&[&[4][..], &[number; 64]].concat()).into_iter().collect()
    }

    fn issuer(name: &str) -> Issuer {
        format!("https://{name}.example").parse().unwrap()
    }

    #[test]
    fn an_issuer_is_trusted_once() {
        let mut store = TrustStore::default();
        store.add(Some(issuer("a")), keys(1)).unwrap();
        store.add(None, keys(2)).unwrap();
        store.add(None, keys(3)).unwrap();
        assert_eq!(store.add(Some(issuer("a")), keys(4)), Err(TrustError::SameIssuer(issuer("a"))));
        for number in [1, 2] {
            let id = keys(number).iter().next().unwrap().id();
            assert_eq!(store.add(Some(issuer("b")), keys(number)), Err(TrustError::SameKey(id)));
            assert_eq!(store.key(id).unwrap().0, usize::from(number) - 1);
        }
        assert!(store.key(keys(4).iter().next().unwrap().id()).is_none());
    }

    #[test]
    fn nobody_signs_in_the_name_of_another() {
        let mut store = TrustStore::default();
        store.add(Some(issuer("a")), keys(1)).unwrap();
        store.add(None, keys(2)).unwrap();
        let may = [0, 1]
            .map(|authority| ["a", "b"].map(|name| store.may_sign_as(authority, &issuer(name))));
        assert_eq!(may, [[true, false], [false, true]]);
    }
}
