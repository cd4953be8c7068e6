//! The form of a token: a compact JWS (RFC 7515, section 7.1) with a header of three members.

use serde::Serialize;

use crate::{
    base64url, json,
    key_id::KeyId,
    profile::{ALGORITHM, MAX_TOKEN_BYTES, SIGNATURE_BYTES, TYPE},
    verify_error::{Part, VerifyError},
};

#[derive(Serialize)]
struct Header {
    alg: &'static str,
    typ: &'static str,
    kid: String,
}

/// Header and payload as they are signed.
pub(crate) fn message(key: KeyId, payload: &[u8]) -> String {
    let header = Header { alg: ALGORITHM, typ: TYPE, kid: key.to_string() };
    let header = serde_json::to_vec(&header).expect("texts can be written");
    format!("{}.{}", base64url::encode(header), base64url::encode(payload))
}

/// A token of signed header and payload.
pub(crate) fn signed(message: String, signature: &[u8]) -> String {
    message + "." + &base64url::encode(signature)
}

/// A token, taken apart. Nothing in it can be believed before its signature is verified.
pub(crate) struct Unverified<'a> {
    /// The key that is said to have signed it.
    pub(crate) key: KeyId,
    /// Header and payload as they were signed.
    pub(crate) message: &'a str,
    payload: &'a str,
    pub(crate) signature: [u8; SIGNATURE_BYTES],
}

impl<'a> Unverified<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(VerifyError::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(VerifyError::Parts)?;
        let (header, payload) = message.split_once('.').ok_or(VerifyError::Parts)?;
        if payload.contains('.') {
            return Err(VerifyError::Parts);
        }
        let key = key_of(&decode(header, Part::Header)?)?;
        let signature = base64url::decode_exactly(signature);
        let signature = signature.ok_or(VerifyError::Encoding(Part::Signature))?;
        Ok(Self { key, message, payload, signature })
    }

    /// The bytes of the payload.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, VerifyError> {
        decode(self.payload, Part::Payload)
    }
}

fn decode(text: &str, part: Part) -> Result<Vec<u8>, VerifyError> {
    base64url::decode(text).ok_or(VerifyError::Encoding(part))
}

/// The key that a header names, if it has the members that every header has and no other.
fn key_of(header: &[u8]) -> Result<KeyId, VerifyError> {
    let members = json::object(header).ok_or(VerifyError::Json(Part::Header))?;
    let is = |name, value| members.get(name).is_some_and(|found| found == value);
    if !is("alg", ALGORITHM) {
        return Err(VerifyError::Algorithm);
    }
    if !is("typ", TYPE) {
        return Err(VerifyError::Type);
    }
    let key = members.get("kid").and_then(|name| name.as_str()?.parse().ok());
    let key = key.ok_or(VerifyError::KeyId)?;
    // With these three, nothing may come along: not even a URL that nobody follows.
    if members.len() == 3 { Ok(key) } else { Err(VerifyError::HeaderMembers) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const KID: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

    fn parse(header: &str) -> Option<VerifyError> {
        let message = format!("{}.e30", base64url::encode(header));
        Unverified::parse(&signed(message, &[0; 64])).err()
    }

    #[test]
    fn a_header_has_three_members() {
        let header = |name: &str, value: Value| {
            let mut header = json!({"alg": "ES256", "typ": "reachability+jwt", "kid": KID});
            header[name] = value;
            header
        };
        let cases = [
            ("kid", json!(KID), None),
            ("alg", json!("none"), Some(VerifyError::Algorithm)),
            ("alg", json!("HS256"), Some(VerifyError::Algorithm)),
            ("alg", json!("ES384"), Some(VerifyError::Algorithm)),
            ("alg", json!("es256"), Some(VerifyError::Algorithm)),
            ("alg", json!(null), Some(VerifyError::Algorithm)),
            ("alg", json!(["ES256"]), Some(VerifyError::Algorithm)),
            ("typ", json!("JWT"), Some(VerifyError::Type)),
            ("typ", json!("application/reachability+jwt"), Some(VerifyError::Type)),
            ("typ", json!("Reachability+JWT"), Some(VerifyError::Type)),
            ("typ", json!(null), Some(VerifyError::Type)),
            ("kid", json!("key-1"), Some(VerifyError::KeyId)),
            ("kid", json!(1), Some(VerifyError::KeyId)),
            ("jku", json!("https://attacker.example/keys"), Some(VerifyError::HeaderMembers)),
            ("jwk", json!({"kty": "EC"}), Some(VerifyError::HeaderMembers)),
            ("x5u", json!("https://attacker.example/"), Some(VerifyError::HeaderMembers)),
            ("x5c", json!([]), Some(VerifyError::HeaderMembers)),
            ("x5t#S256", json!(""), Some(VerifyError::HeaderMembers)),
            ("crit", json!(["b64"]), Some(VerifyError::HeaderMembers)),
            ("b64", json!(false), Some(VerifyError::HeaderMembers)),
            ("cty", json!("JWT"), Some(VerifyError::HeaderMembers)),
            ("zip", json!("DEF"), Some(VerifyError::HeaderMembers)),
        ];
        for (name, value, expected) in cases {
            let header = header(name, value).to_string();
            assert_eq!(parse(&header), expected, "{header}");
        }
    }

    #[test]
    fn headers_that_lack_a_member_or_have_it_twice() {
        let cases = [
            ("{}".to_owned(), VerifyError::Algorithm),
            (r#"{"alg":"ES256"}"#.to_owned(), VerifyError::Type),
            (r#"{"alg":"ES256","typ":"reachability+jwt"}"#.to_owned(), VerifyError::KeyId),
            (
                format!(r#"{{"alg":"none","alg":"ES256","typ":"reachability+jwt","kid":"{KID}"}}"#),
                VerifyError::Json(Part::Header),
            ),
            ("[]".to_owned(), VerifyError::Json(Part::Header)),
            (String::new(), VerifyError::Json(Part::Header)),
        ];
        for (header, expected) in cases {
            assert_eq!(parse(&header), Some(expected), "{header}");
        }
    }

    #[test]
    fn three_parts() {
        let key: KeyId = KID.parse().unwrap();
        let good = signed(message(key, b"{}"), &[0; 64]);
        let parsed = Unverified::parse(&good).ok().unwrap();
        assert_eq!((parsed.key, parsed.payload().unwrap()), (key, b"{}".to_vec()));
        assert!(good.starts_with(parsed.message));
        let signature = VerifyError::Encoding(Part::Signature);
        let cases = [
            (String::new(), VerifyError::Parts, "nothing"),
            ("a".to_owned(), VerifyError::Parts, "one part"),
            ("a.b".to_owned(), VerifyError::Parts, "two parts"),
            (format!("{good}."), VerifyError::Parts, "a fourth, empty part"),
            (good.replacen('.', ".e30.", 1), VerifyError::Parts, "a second payload"),
            (format!("{good}\n"), signature.clone(), "a line feed"),
            (format!("{good}AA"), signature.clone(), "a signature too long"),
            (good[..good.len() - 2].to_owned(), signature.clone(), "a signature too short"),
            (format!("{good}=="), signature, "padding"),
            (format!(" {good}"), VerifyError::Encoding(Part::Header), "a blank"),
            (good.replacen("e30", "e31", 1), VerifyError::Encoding(Part::Payload), "a bit behind"),
        ];
        for (token, expected, why) in cases {
            let error = Unverified::parse(&token).and_then(|token| token.payload()).err();
            assert_eq!(error, Some(expected), "{why}");
        }
    }

    #[test]
    fn the_length_is_bounded() {
        let longest = ".".repeat(MAX_TOKEN_BYTES);
        assert_eq!(Unverified::parse(&longest).err(), Some(VerifyError::Parts));
        assert_eq!(Unverified::parse(&(longest + ".")).err(), Some(VerifyError::TooLong));
    }
}
