//! Tokens that are believed, and tokens that are not.

use proptest::prelude::*;

use crate::{
    KeySet, OpenPorts,
    profile::MAX_TOKEN_BYTES,
    samples::{NOW, at, claims, key, key_set, trust},
    validity::Validity,
    vantage::Vantage,
};

use super::*;

#[test]
fn signed_claims_are_read_back() {
    let (key, next, old) = (key(), key(), key());
    let keys = KeySet::from_iter([&key, &next, &old].map(|key| key.public().clone()));
    let mut trusted = TrustStore::default();
    trusted.add(Some(claims("a").issuer), KeySet::from_json(&keys.to_json()).unwrap()).unwrap();
    let mut claims = claims("a");
    for vantage in [None, Some("fra1:RIPE".parse::<Vantage>().unwrap())] {
        claims.vantage = vantage;
        for key in [&key, &next, &old] {
            let token = key.sign(&claims).unwrap();
            let statement = Expectations::new(&trusted, at(NOW)).verify(&token).unwrap();
            assert_eq!(statement.claims(), &claims);
            assert_eq!(statement.key(), key.public().id());
        }
    }
}

#[test]
fn every_bit_of_a_token_counts() {
    let key = key();
    let trusted = trust(&[("a", &key)]);
    let expectations = Expectations::new(&trusted, at(NOW));
    let token = key.sign(&claims("a")).unwrap();
    assert!(expectations.verify(&token).is_ok());
    for index in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(expectations.verify(&changed).is_err(), "bit {bit} of byte {index}");
        }
        assert!(expectations.verify(&token[..index]).is_err(), "cut at {index}");
        let doubled = [&token[..index], &token[index - index.min(1)..]].concat();
        assert!(index == 0 || expectations.verify(&doubled).is_err(), "more at {index}");
    }
}

#[test]
fn parts_of_different_tokens_do_not_fit() {
    let key = key();
    let trusted = trust(&[("a", &key)]);
    let mut other = claims("a");
    other.open = "1-65535".parse().unwrap();
    let [one, two] = [claims("a"), other].map(|claims| key.sign(&claims).unwrap());
    let (message, _) = two.rsplit_once('.').unwrap();
    let (_, signature) = one.rsplit_once('.').unwrap();
    let mixed = format!("{message}.{signature}");
    let verified = Expectations::new(&trusted, at(NOW)).verify(&mixed);
    assert_eq!(verified, Err(VerifyError::Signature));
}

#[test]
fn only_a_trusted_issuer_is_believed() {
    let (a, b, unnamed) = (key(), key(), key());
    let mut trusted = trust(&[("a", &a), ("b", &b)]);
    trusted.add(None, key_set(&unnamed)).unwrap();
    let stranger = key();
    let issuer = |name| VerifyError::Issuer(claims(name).issuer);
    let cases = [
        (&a, "a", None, "its own name"),
        (&unnamed, "c", None, "whatever name, if none was given"),
        (&stranger, "a", Some(VerifyError::UnknownKey(stranger.public().id())), "a stranger"),
        (&b, "a", Some(issuer("a")), "the name of another"),
        (&b, "c", Some(issuer("c")), "an unknown name"),
        (&unnamed, "a", Some(issuer("a")), "the name of another, where any would do"),
    ];
    for (key, name, expected, why) in cases {
        let token = key.sign(&claims(name)).unwrap();
        let error = Expectations::new(&trusted, at(NOW)).verify(&token).err();
        assert_eq!(error, expected, "{why}");
    }
}

#[test]
fn a_statement_has_its_time() {
    let key = key();
    let trusted = trust(&[("a", &key)]);
    let token = key.sign(&claims("a")).unwrap();
    let cases = [
        (NOW, None, "the first second"),
        (NOW - 60, None, "a clock that is slow by a minute"),
        (NOW - 61, Some(VerifyError::IssuedInFuture), "before its time"),
        (NOW + 7199, None, "the last second"),
        (NOW + 7259, None, "a clock that is fast by a minute"),
        (NOW + 7260, Some(VerifyError::Expired), "after its time"),
    ];
    for (now, expected, why) in cases {
        let error = Expectations::new(&trusted, at(now)).verify(&token).err();
        assert_eq!(error, expected, "{why}");
    }
}

#[test]
fn expectations_have_to_be_met() {
    let key = key();
    let trusted = trust(&[("a", &key)]);
    let expect = |address: &str, audience: &str, nonce: &str| Expectations {
        address: address.parse().ok(),
        audience: audience.parse().ok(),
        nonce: nonce.parse().ok(),
        ..Expectations::new(&trusted, at(NOW))
    };
    let made = |audience: &str, nonce: &str| {
        let (audience, nonce) = (audience.parse().ok(), nonce.parse().ok());
        key.sign(&Claims { audience, nonce, ..claims("a") }).unwrap()
    };
    let elsewhere = VerifyError::Address {
        expected: "192.0.2.8".parse().unwrap(),
        found: "192.0.2.7".parse().unwrap(),
    };
    let cases = [
        (expect("", "", ""), made("", ""), None, "nothing asked"),
        (expect("192.0.2.7", "m", "n"), made("m", "n"), None, "everything asked"),
        (expect("192.0.2.8", "", ""), made("", ""), Some(elsewhere), "another address"),
        (expect("", "m", ""), made("x", ""), Some(VerifyError::Audience), "another reader"),
        (expect("", "m", ""), made("", ""), Some(VerifyError::Audience), "any reader"),
        (expect("", "", ""), made("m", ""), Some(VerifyError::UnexpectedAudience), "one reader"),
        (expect("", "", "n"), made("", "x"), Some(VerifyError::Nonce), "another nonce"),
        (expect("", "", "n"), made("", ""), Some(VerifyError::Nonce), "no nonce"),
        (expect("", "", ""), made("", "n"), None, "a nonce that nobody asked for"),
    ];
    for (expectations, token, expected, why) in cases {
        assert_eq!(expectations.verify(&token).err(), expected, "{why}");
    }
}

#[test]
fn the_longest_statement_fits() {
    let ports = (1..=u16::MAX).filter(|port| port % 3 != 0);
    let open = OpenPorts::new(ports.filter_map(port_checker_api::Port::new)).unwrap();
    assert_eq!(open.to_string().len(), 254_735);
    let longest = "\\".repeat(128);
    let address = format!("https://a.example/{}", "x".repeat(256 - 18));
    let claims = Claims {
        issuer: address.parse().unwrap(),
        validity: Validity::between(at(Timestamp::MAX.seconds() - 1), Timestamp::MAX).unwrap(),
        id: longest.parse().unwrap(),
        audience: longest.parse().ok(),
        nonce: longest.parse().ok(),
        address: "2001:db8:1111:1111:1111:1111:1111:1111".parse().unwrap(),
        open,
        challenge: longest.parse().unwrap(),
        vantage: format!("{}:AFRINIC", "x".repeat(32)).parse().ok(),
        ..claims("a")
    };
    let key = key();
    let mut trusted = TrustStore::default();
    trusted.add(None, key_set(&key)).unwrap();
    let token = key.sign(&claims).unwrap();
    assert!(token.len() < MAX_TOKEN_BYTES, "{}", token.len());
    let expectations = Expectations {
        audience: claims.audience.clone(),
        ..Expectations::new(&trusted, Timestamp::MAX)
    };
    assert_eq!(expectations.verify(&token).unwrap().claims(), &claims);
}

proptest! {
    #[test]
    fn no_text_is_believed(text in "\\PC*", parts in "[a-zA-Z0-9_.-]{0,300}") {
        let key = key();
        let trusted = trust(&[("a", &key)]);
        for text in [text, parts] {
            prop_assert!(Expectations::new(&trusted, at(NOW)).verify(&text).is_err());
        }
    }
}
