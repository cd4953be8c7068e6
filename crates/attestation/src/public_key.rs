//! Public keys.

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Serialize;
use serde_json::Value;

use crate::{base64url, json::Members, key_id::KeyId};

/// The bytes of a coordinate on P-256.
const COORDINATE_BYTES: usize = 32;

/// The first byte of a point whose coordinates both follow (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A point with its first byte.
const POINT_BYTES: usize = 1 + 2 * COORDINATE_BYTES;

/// A public key on P-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    point: [u8; POINT_BYTES],
}

/// A JWK (RFC 7517) in a set of keys.
#[derive(Serialize)]
pub(crate) struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
    kid: String,
}

impl PublicKey {
    /// The key of a point as `ring` has it; none for bytes of another form.
    pub(crate) fn from_point(point: &[u8]) -> Option<Self> {
        let point: [u8; POINT_BYTES] = point.try_into().ok()?;
        let id = KeyId::of_members(&required_members(&point)?);
        Some(Self { id, point })
    }

    /// The key of a JWK's members, if it is for signatures with ES256; none for every other key. Whether the
    /// coordinates are those of a point on the curve, is seen when a signature is verified: with a key that has none,
    /// no signature matches.
    pub(crate) fn from_jwk(members: &Members) -> Option<Self> {
        let text = |name| members.get(name).and_then(Value::as_str);
        let says = |name, value| !members.contains_key(name) || text(name) == Some(value);
        let kind = text("kty") == Some("EC") && text("crv") == Some("P-256");
        let verify =
            |list: &Value| list.as_array().is_some_and(|all| all.contains(&"verify".into()));
        let purpose = says("use", "sig") && members.get("key_ops").is_none_or(verify);
        if !kind || !purpose || !says("alg", "ES256") {
            return None;
        }
        let coordinate = |name| text(name).and_then(base64url::decode_exactly::<COORDINATE_BYTES>);
        let (x, y) = (coordinate("x")?, coordinate("y")?);
        Self::from_point(&[&[UNCOMPRESSED][..], &x, &y].concat())
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn to_jwk(&self) -> Jwk {
        let (x, y) = self.point[1..].split_at(COORDINATE_BYTES);
        Jwk {
            kty: "EC",
            crv: "P-256",
            x: base64url::encode(x),
            y: base64url::encode(y),
            purpose: "sig",
            alg: "ES256",
            kid: self.id.to_string(),
        }
    }

    /// Whether a signature of 64 bytes is this key's for a message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point)
            .verify(message, signature)
            .is_ok()
    }
}

/// The members from which the thumbprint is made.
fn required_members(point: &[u8; POINT_BYTES]) -> Option<String> {
    let (&form, coordinates) = point.split_first()?;
    let (x, y) = coordinates.split_at(COORDINATE_BYTES);
    let (x, y) = (base64url::encode(x), base64url::encode(y));
    (form == UNCOMPRESSED).then(|| format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

#[cfg(test)]
mod tests {
    use crate::json;

    use super::*;

    /// The key of RFC 7515, appendix A.3.
    const KEY: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

    fn jwk(json: &str) -> Option<PublicKey> {
        PublicKey::from_jwk(&json::object(json.as_bytes()).unwrap())
    }

    #[test]
    fn the_example_of_rfc_7515() {
        let message = concat!(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290",
            "Ijp0cnVlfQ"
        );
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let signature = base64url::decode(signature).unwrap();
        let key = jwk(&format!("{{{KEY}}}")).unwrap();
        assert!(key.verifies(message.as_bytes(), &signature));
        assert!(!key.verifies(&message.as_bytes()[1..], &signature));
        assert!(!key.verifies(message.as_bytes(), &signature[1..]));
        assert!(!key.verifies(message.as_bytes(), &[0; 64]));
    }

    #[test]
    fn keys_that_are_for_es256() {
        let cases = [
            (format!("{{{KEY}}}"), true, "the least"),
            (
                format!(r#"{{{KEY},"use":"sig","alg":"ES256","kid":"x","key_ops":["verify"]}}"#),
                true,
                "more",
            ),
            (format!(r#"{{{KEY},"use":"enc"}}"#), false, "for encryption"),
            (format!(r#"{{{KEY},"use":null}}"#), false, "for nothing"),
            (format!(r#"{{{KEY},"key_ops":["deriveBits"]}}"#), false, "for something else"),
            (format!(r#"{{{KEY},"key_ops":"verify"}}"#), false, "no list"),
            (format!(r#"{{{KEY},"alg":"ECDH-ES"}}"#), false, "for another algorithm"),
            (KEY.replace("P-256", "P-384"), false, "another curve"),
            (KEY.replace("\"EC\"", "\"OKP\""), false, "another kind"),
            (KEY.replace("f83", "f8"), false, "a short coordinate"),
            (KEY.replace("x_F", "xx_F"), false, "a long coordinate"),
            (KEY.replace("5a0", "5a1"), false, "a bit behind the last byte"),
            (r#""kty":"EC","crv":"P-256","x":"","y":"""#.to_owned(), false, "no point"),
            (r#""kty":"EC","crv":"P-256""#.to_owned(), false, "no coordinates"),
        ];
        for (json, good, why) in cases {
            let json = if json.starts_with('{') { json } else { format!("{{{json}}}") };
            assert_eq!(jwk(&json).is_some(), good, "{why}: {json}");
        }
    }

    #[test]
    fn a_point_beside_the_curve_verifies_nothing() {
        let key = jwk(&format!("{{{}}}", KEY.replace("f83", "f84"))).unwrap();
        assert!(!key.verifies(b"", &[1; 64]));
        assert_eq!(PublicKey::from_point(&[2; 65]), None, "no uncompressed point");
        assert_eq!(PublicKey::from_point(&[4; 64]), None, "a byte too few");
    }
}
