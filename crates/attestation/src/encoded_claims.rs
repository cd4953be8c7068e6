//! Claims as JSON.

use port_checker_api::Transport;
use serde::Serialize;
use serde_json::Value;

use crate::{
    claims::Claims,
    invalid_claim::InvalidClaim,
    json::{self, Members},
    timestamp::Timestamp,
    validity::{LEEWAY_SECONDS, Validity},
    vantage::{Rir, Vantage},
    verify_error::{Part, VerifyError},
};

/// The members, in the order of the contract.
#[derive(Serialize)]
struct Encoded<'a> {
    iss: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    ip: String,
    transport: Transport,
    open: String,
    challenge: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vantage: Option<EncodedVantage<'a>>,
}

#[derive(Serialize)]
struct EncodedVantage<'a> {
    code: &'a str,
    rir: &'a str,
}

/// The JSON of claims.
pub(crate) fn encode(claims: &Claims) -> Vec<u8> {
    let encoded = Encoded {
        iss: claims.issuer.as_str(),
        iat: claims.validity.issued_at().seconds(),
        exp: claims.validity.expires_at().seconds(),
        jti: claims.id.as_str(),
        aud: claims.audience.as_ref().map(|audience| audience.as_str()),
        nonce: claims.nonce.as_ref().map(|nonce| nonce.as_str()),
        ip: claims.address.to_string(),
        transport: claims.transport,
        open: claims.open.to_string(),
        challenge: claims.challenge.as_str(),
        vantage: claims
            .vantage
            .as_ref()
            .map(|vantage| EncodedVantage { code: vantage.code.as_str(), rir: vantage.rir.name() }),
    };
    serde_json::to_vec(&encoded).expect("texts and numbers can be written")
}

/// Reads claims whose signature was verified. `nbf` (RFC 7519, section 4.1.5) is obeyed, because it only restricts;
/// unknown claims are ignored, as section 4 of the RFC demands, so that later checkers can add some.
pub(crate) fn decode(text: &[u8], now: Timestamp) -> Result<Claims, VerifyError> {
    let members = json::object(text).ok_or(VerifyError::Json(Part::Payload))?;
    if let Some(not_before) = members.get("nbf") {
        let not_before = timestamp(not_before)?;
        if not_before.is_after(now, LEEWAY_SECONDS) {
            return Err(VerifyError::NotYetValid);
        }
    }
    Ok(Claims {
        issuer: text_of(&members, "iss", InvalidClaim::Issuer)?,
        validity: Validity::between(
            timestamp(required(&members, "iat")?)?,
            timestamp(required(&members, "exp")?)?,
        )?,
        id: text_of(&members, "jti", InvalidClaim::TokenId)?,
        audience: optional_text_of(&members, "aud", InvalidClaim::Audience)?,
        nonce: optional_text_of(&members, "nonce", InvalidClaim::Nonce)?,
        address: text_of(&members, "ip", InvalidClaim::Address)?,
        transport: transport(&members)?,
        open: text_of(&members, "open", InvalidClaim::OpenPorts)?,
        challenge: string(&members, "challenge", InvalidClaim::Challenge)?
            .parse()
            .map_err(|_| InvalidClaim::Challenge)?,
        vantage: members.get("vantage").map(vantage).transpose()?,
    })
}

fn required<'a>(members: &'a Members, name: &'static str) -> Result<&'a Value, VerifyError> {
    members.get(name).ok_or(VerifyError::MissingClaim(name))
}

fn timestamp(value: &Value) -> Result<Timestamp, InvalidClaim> {
    value.as_u64().ok_or(InvalidClaim::Timestamp).and_then(Timestamp::from_seconds)
}

fn string<'a>(
    members: &'a Members,
    name: &'static str,
    invalid: InvalidClaim,
) -> Result<&'a str, VerifyError> {
    required(members, name)?.as_str().ok_or(VerifyError::InvalidClaim(invalid))
}

fn text_of<T: std::str::FromStr<Err = InvalidClaim>>(
    members: &Members,
    name: &'static str,
    invalid: InvalidClaim,
) -> Result<T, VerifyError> {
    Ok(string(members, name, invalid)?.parse()?)
}

/// A claim that may be left out, but not null.
fn optional_text_of<T: std::str::FromStr<Err = InvalidClaim>>(
    members: &Members,
    name: &'static str,
    invalid: InvalidClaim,
) -> Result<Option<T>, VerifyError> {
    members.contains_key(name).then(|| text_of(members, name, invalid)).transpose()
}

fn transport(members: &Members) -> Result<Transport, VerifyError> {
    let name = string(members, "transport", InvalidClaim::Transport)?;
    let known = Transport::ALL.iter().find(|transport| transport.name() == name);
    Ok(*known.ok_or(InvalidClaim::Transport)?)
}

fn vantage(value: &Value) -> Result<Vantage, InvalidClaim> {
    let text = |name| value.get(name).and_then(Value::as_str).ok_or(InvalidClaim::Vantage);
    let rir: Rir = text("rir")?.parse().map_err(|_| InvalidClaim::Vantage)?;
    Ok(Vantage { code: text("code")?.parse()?, rir })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn whole() -> Value {
        json!({
            "iss": "https://checker.example.net", "iat": NOW, "exp": NOW + 7200, "jti": "AAECAwQFBgcICQoLDA0ODw",
            "aud": "market", "nonce": "n-1", "ip": "192.0.2.7", "transport": "tcp", "open": "7466,50800-50899",
            "challenge": "0123456789abcdef", "vantage": {"code": "fra1", "rir": "RIPE"},
        })
    }

    fn read(value: &Value) -> Result<Claims, VerifyError> {
        decode(value.to_string().as_bytes(), Timestamp::from_seconds(NOW).unwrap())
    }

    #[test]
    fn claims_are_written_as_the_contract_has_them() {
        let claims = read(&whole()).unwrap();
        assert_eq!(
            String::from_utf8(encode(&claims)).unwrap(),
            concat!(
                r#"{"iss":"https://checker.example.net","iat":1700000000,"exp":1700007200,"#,
                r#""jti":"AAECAwQFBgcICQoLDA0ODw","aud":"market","nonce":"n-1","ip":"192.0.2.7","#,
                r#""transport":"tcp","open":"7466,50800-50899","challenge":"0123456789abcdef","#,
                r#""vantage":{"code":"fra1","rir":"RIPE"}}"#
            )
        );
        let mut few = whole();
        for name in ["aud", "nonce", "vantage"] {
            few.as_object_mut().unwrap().remove(name);
        }
        let claims = read(&few).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&encode(&claims)).unwrap(), few);
    }

    #[test]
    fn no_claim_but_three_may_be_missing() {
        for name in whole().as_object().unwrap().keys() {
            let mut claims = whole();
            claims.as_object_mut().unwrap().remove(name);
            let expected = match name.as_str() {
                "aud" | "nonce" | "vantage" => None,
                _ => Some(name.as_str()),
            };
            let missing = match read(&claims) {
                Ok(_) => None,
                Err(VerifyError::MissingClaim(missing)) => Some(missing),
                Err(other) => panic!("{name}: {other}"),
            };
            assert_eq!(missing, expected);
        }
    }

    #[test]
    fn values_that_claims_cannot_have() {
        use InvalidClaim as Invalid;
        let cases = [
            ("iss", json!("checker"), Invalid::Issuer),
            ("iss", json!(null), Invalid::Issuer),
            ("iat", json!(1_700_000_000.5), Invalid::Timestamp),
            ("iat", json!(-1), Invalid::Timestamp),
            ("iat", json!("1700000000"), Invalid::Timestamp),
            ("exp", json!(1e300), Invalid::Timestamp),
            ("exp", json!(NOW), Invalid::Validity),
            ("exp", json!(NOW + 86_401), Invalid::Validity),
            ("nbf", json!(null), Invalid::Timestamp),
            ("jti", json!(7), Invalid::TokenId),
            ("jti", json!(""), Invalid::TokenId),
            ("aud", json!(["market"]), Invalid::Audience),
            ("aud", json!(null), Invalid::Audience),
            ("nonce", json!(null), Invalid::Nonce),
            ("nonce", json!("é"), Invalid::Nonce),
            ("ip", json!("192.0.2.07"), Invalid::Address),
            ("ip", json!(3_221_225_991_u32), Invalid::Address),
            ("transport", json!("sctp"), Invalid::Transport),
            ("transport", json!("TCP"), Invalid::Transport),
            ("transport", json!(6), Invalid::Transport),
            ("open", json!([7466]), Invalid::OpenPorts),
            ("open", json!(""), Invalid::OpenPorts),
            ("challenge", json!("short"), Invalid::Challenge),
            ("challenge", json!(null), Invalid::Challenge),
            ("vantage", json!(null), Invalid::Vantage),
            ("vantage", json!("fra1:RIPE"), Invalid::Vantage),
            ("vantage", json!({"code": "fra1"}), Invalid::Vantage),
            ("vantage", json!({"rir": "RIPE"}), Invalid::Vantage),
            ("vantage", json!({"code": "fra1", "rir": "RIPE NCC"}), Invalid::Vantage),
        ];
        for (name, value, expected) in cases {
            let mut claims = whole();
            claims[name] = value;
            assert_eq!(read(&claims), Err(VerifyError::InvalidClaim(expected)), "{claims}");
        }
    }

    #[test]
    fn claims_of_later_checkers_are_ignored_and_a_later_beginning_is_obeyed() {
        let mut claims = whole();
        claims["nbf"] = json!(NOW + 60);
        claims["sub"] = json!({"a": [1]});
        claims["vantage"]["asn"] = json!(64_496);
        assert_eq!(read(&claims), read(&whole()));
        claims["nbf"] = json!(NOW + 61);
        assert_eq!(read(&claims), Err(VerifyError::NotYetValid));
    }

    #[test]
    fn a_claim_twice_is_refused() {
        let twice = whole().to_string().replacen('{', r#"{"ip":"192.0.2.8","#, 1);
        let now = Timestamp::from_seconds(NOW).unwrap();
        assert_eq!(decode(twice.as_bytes(), now), Err(VerifyError::Json(Part::Payload)));
        assert_eq!(decode(b"[]", now), Err(VerifyError::Json(Part::Payload)));
    }
}
