//! Sets of public keys, as checkers publish them.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::{
    json::{self, Members},
    key_id::KeyId,
    public_key::{Jwk, PublicKey},
};

/// The longest set of keys that is read: some hundred keys, where a checker has three.
pub const MAX_KEY_SET_BYTES: usize = 65_536;

/// Public keys of one issuer, each once: the current one, the next one, and old ones whose last statement has not
/// expired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<PublicKey>);

/// A text that is no set of keys by which statements can be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Longer than [`MAX_KEY_SET_BYTES`].
    #[error("the set of keys is longer than {MAX_KEY_SET_BYTES} bytes")]
    TooLong,
    /// Not a JSON object, or one with a member twice.
    #[error("the set of keys is not a JSON object in which every member is there once")]
    Json,
    /// No list of objects called `keys`.
    #[error("the set of keys has no list of keys, as RFC 7517 (JWKS) demands")]
    Keys,
    /// Two keys with one name.
    #[error("two keys of the set have the same kid")]
    DuplicateKeyId,
    /// A private key that everybody can read.
    #[error("the set contains a private key: it is no secret any more, and has to be replaced")]
    PrivateKey,
    /// Nothing to verify with.
    #[error("the set has no key for ES256 whose kid is its RFC 7638 thumbprint")]
    NoUsableKey,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517, section 5). Keys for other purposes are left out.
    ///
    /// # Errors
    /// The text is too long, no such set or contradicts itself, or nothing is left.
    pub fn from_json(text: &str) -> Result<Self, KeySetError> {
        if text.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong);
        }
        let mut document = json::object(text.as_bytes()).ok_or(KeySetError::Json)?;
        let Some(Value::Array(keys)) = document.remove("keys") else {
            return Err(KeySetError::Keys);
        };
        let keys: Option<Vec<Members>> = keys.into_iter().map(members).collect();
        let keys = keys.ok_or(KeySetError::Keys)?;
        let mut names = BTreeSet::new();
        if !keys.iter().filter_map(|key| key.get("kid")?.as_str()).all(|name| names.insert(name)) {
            return Err(KeySetError::DuplicateKeyId);
        }
        // `d` is the private part of an EC, OKP or RSA key, `k` a symmetric key (RFC 7518, section 6).
        if keys.iter().any(|key| key.contains_key("d") || key.contains_key("k")) {
            return Err(KeySetError::PrivateKey);
        }
        let usable: Self = keys.iter().filter_map(usable).collect();
        if usable.0.is_empty() { Err(KeySetError::NoUsableKey) } else { Ok(usable) }
    }

    /// The JWK Set, as a checker publishes it.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Document {
            keys: Vec<Jwk>,
        }
        let keys = self.0.iter().map(PublicKey::to_jwk).collect();
        serde_json::to_string(&Document { keys }).expect("texts can be written")
    }

    /// The keys, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    /// The key of a name.
    pub fn get(&self, id: KeyId) -> Option<&PublicKey> {
        self.iter().find(|key| key.id() == id)
    }
}

fn members(value: Value) -> Option<Members> {
    match value {
        Value::Object(members) => Some(members.into_iter().collect()),
        _ => None,
    }
}

/// A key that a token can name: tokens do so by the thumbprint.
fn usable(members: &Members) -> Option<PublicKey> {
    let key = PublicKey::from_jwk(members)?;
    let name = members.get("kid")?.as_str()?;
    (name == key.id().to_string()).then_some(key)
}

/// A key that comes twice is taken once.
impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut set = Self::default();
        for key in keys {
            if set.get(key.id()).is_none() {
                set.0.push(key);
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(number: u8) -> PublicKey {
        PublicKey::from_point(&[&[4][..], &[number; 64]].concat()).unwrap()
    }

    fn jwk(number: u8) -> Value {
        let set: Value = serde_json::from_str(&KeySet::from_iter([key(number)]).to_json()).unwrap();
        set["keys"][0].clone()
    }

    #[test]
    fn a_set_is_published_and_read() {
        let set: KeySet = [key(1), key(2), key(1), key(3)].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [&key(1), &key(2), &key(3)]);
        assert_eq!(KeySet::from_json(&set.to_json()), Ok(set.clone()));
        assert_eq!(set.get(key(2).id()), Some(&key(2)));
        assert_eq!(set.get(key(4).id()), None);
        assert_eq!(
            KeySet::from_iter([key(0)]).to_json(),
            concat!(
                r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#,
                r#""y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","use":"sig","alg":"ES256","#,
                r#""kid":"Yf7dxNA4Y2zUqbqNw2eswKWsk1wLRG_DGF3vCttT2XQ"}]}"#
            )
        );
    }

    #[test]
    fn sets_of_others() {
        let with = |name: &str, value: Value| {
            let mut key = jwk(9);
            key[name] = value;
            key
        };
        let mut unnamed = jwk(9);
        unnamed.as_object_mut().unwrap().remove("kid");
        let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"});
        let cases = [
            (json!({"keys": [jwk(1), rsa.clone()], "more": 1}), Ok(1), "a key of another kind"),
            (json!({"keys": [jwk(1), with("kid", json!("x"))]}), Ok(1), "a key of another name"),
            (json!({"keys": [jwk(1), unnamed.clone()]}), Ok(1), "a key without name"),
            (json!({"keys": [jwk(1), {}]}), Ok(1), "an empty key"),
            (json!({"keys": [jwk(1), jwk(2)]}), Ok(2), "two keys"),
            (json!({"keys": [jwk(1), jwk(1)]}), Err(KeySetError::DuplicateKeyId), "a key twice"),
            (
                json!({"keys": [rsa.clone(), rsa.clone()]}),
                Err(KeySetError::DuplicateKeyId),
                "of others too",
            ),
            (
                json!({"keys": [with("d", json!("AA"))]}),
                Err(KeySetError::PrivateKey),
                "a private key",
            ),
            (
                json!({"keys": [jwk(1), {"kty": "oct", "k": "AA"}]}),
                Err(KeySetError::PrivateKey),
                "a shared key",
            ),
            (json!({"keys": [rsa]}), Err(KeySetError::NoUsableKey), "only others"),
            (json!({"keys": [unnamed]}), Err(KeySetError::NoUsableKey), "only one without name"),
            (json!({"keys": []}), Err(KeySetError::NoUsableKey), "none"),
            (json!({"keys": [1]}), Err(KeySetError::Keys), "a number for a key"),
            (json!({"keys": {}}), Err(KeySetError::Keys), "no list"),
            (jwk(1), Err(KeySetError::Keys), "a key alone"),
            (json!([jwk(1)]), Err(KeySetError::Json), "a list alone"),
        ];
        for (document, expected, why) in cases {
            let read = KeySet::from_json(&document.to_string()).map(|set| set.iter().count());
            assert_eq!(read, expected, "{why}");
        }
    }

    #[test]
    fn some_hundred_keys_are_read() {
        let many: KeySet = (1..=200).map(key).collect();
        assert_eq!(KeySet::from_json(&many.to_json()), Ok(many));
    }

    #[test]
    fn ambiguous_and_long_texts_are_refused() {
        let twice = format!(r#"{{"keys":[],"keys":[{}]}}"#, jwk(1));
        assert_eq!(KeySet::from_json(&twice), Err(KeySetError::Json));
        let mut text = KeySet::from_iter([key(1)]).to_json();
        text += &" ".repeat(MAX_KEY_SET_BYTES - text.len());
        assert!(KeySet::from_json(&text).is_ok());
        text.push(' ');
        assert_eq!(KeySet::from_json(&text), Err(KeySetError::TooLong));
    }
}
