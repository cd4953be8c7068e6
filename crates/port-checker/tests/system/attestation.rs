//! Libraries of other languages verify our statements and refuse everything else; what they sign is verified here.

mod command;
pub(crate) mod desk;
mod kept;
mod keys;
pub(crate) mod library;
pub(crate) mod recipes;
mod tokens;

use library::{Library, Name};
use port_checker_attestation::{Expectations, VerifyError};
use serde_json::{Value, json};
use tokens::{Key, claims, claims_json, claims_with, encode, message, now};

/// How a request to verify differs from the good one.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    issuer: &'a str,
    audience: Option<&'a str>,
    nonce: Option<&'a str>,
}

const WANTED: Wanted =
    Wanted { issuer: tokens::ISSUER, audience: Some("market"), nonce: Some("n-1") };

fn verify(library: &mut Library, token: &str, key: &Key, wanted: Wanted) -> Result<Value, String> {
    let set: Value = serde_json::from_str(&key.set().to_json()).expect("JSON");
    let Wanted { issuer, audience, nonce } = wanted;
    library.ask(&json!({
        "do": "verify", "token": token, "keys": set["keys"], "issuer": issuer, "audience": audience,
        "nonce": nonce,
    }))
}

/// What this crate says about the same token.
fn verified_here(token: &str, key: &Key, wanted: Wanted) -> Result<(), VerifyError> {
    let trusted = key.trusted();
    let expectations = Expectations {
        audience: wanted.audience.and_then(|audience| audience.parse().ok()),
        nonce: wanted.nonce.and_then(|nonce| nonce.parse().ok()),
        ..Expectations::new(&trusted, now())
    };
    expectations.verify(token).map(drop)
}

/// Tokens that nobody may believe.
fn forged(key: &Key) -> Vec<(&'static str, String)> {
    let good = key.ours.sign(&claims()).expect("random numbers");
    let (header, claims) = (key.header().to_string(), claims_json().to_string());
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let with = |name, value: Value| key.sign(&header, &claims_with(name, value).to_string());
    let none = |alg: &str| {
        let mut header = key.header();
        header["alg"] = json!(alg);
        message(&header.to_string(), &claims) + "."
    };
    let soon = now().seconds() + 600;
    let past = now().seconds() - 7200;
    let set = key.set().to_json();
    let stranger = Key::new();
    vec![
        ("alg none", none("none")),
        ("alg None", none("None")),
        ("alg none with a signature", none("none") + signature),
        ("HS256 with the public key in PEM", key.sign_with_hmac(&key.public_pem(), &claims)),
        ("HS256 with the set of keys", key.sign_with_hmac(&set, &claims)),
        ("the key of another in the name of this", stranger.sign(&header, &claims)),
        ("the key of another", stranger.sign(&stranger.header().to_string(), &claims)),
        ("another issuer", with("iss", json!("https://attacker.example"))),
        ("expired", {
            let mut claims = claims_with("iat", json!(past));
            claims["exp"] = json!(past + 7080);
            key.sign(&header, &claims.to_string())
        }),
        ("not yet valid", with("nbf", json!(soon))),
        ("issued in the future", with("iat", json!(soon))),
        ("another audience", with("aud", json!("bazaar"))),
        ("another nonce", with("nonce", json!("n-2"))),
        ("a byte more", format!("{good}A")),
        ("a line feed more", format!("{good}\n")),
        ("four line feeds more", format!("{good}\n\n\n\n")),
        ("no base64url", format!("{signed}.!!!!{signature}")),
        ("a bit behind the last byte", {
            let (rest, last) = good.split_at(good.len() - 1);
            format!("{rest}{}", char::from(last.as_bytes()[0] + 1))
        }),
        ("padding", format!("{good}==")),
        ("a dot more", format!("{good}.")),
        ("a second payload", format!("{signed}.{}.{signature}", encode(&claims))),
        ("a second payload before", good.replacen('.', &format!(".{}.", encode(&claims)), 1)),
        ("no signature", format!("{signed}.")),
        ("a signature of zeros", format!("{signed}.{}", encode([0; 64]))),
        ("the type of another purpose", {
            let mut header = key.header();
            header["typ"] = json!("JWT");
            key.sign(&header.to_string(), &claims)
        }),
        ("nothing", String::new()),
    ]
}

/// Verifies a good token, and refuses all that are not.
fn believes_ours_and_nothing_else(name: Name) {
    let Some(mut library) = Library::start(name) else { return };
    let key = Key::new();
    let good = key.ours.sign(&claims()).expect("random numbers");
    let mut ask = |token: &str, key: &Key, wanted| verify(&mut library, token, key, wanted);
    let read = ask(&good, &key, WANTED).expect("ours is believed");
    assert_eq!(read, claims_of(&good), "{name:?}");

    let others = [
        Wanted { issuer: "https://other.example", ..WANTED },
        Wanted { audience: Some("bazaar"), ..WANTED },
        Wanted { audience: None, ..WANTED },
        Wanted { nonce: Some("n-2"), ..WANTED },
    ];
    for wanted in others {
        ask(&good, &key, wanted).expect_err("another one is wanted");
    }
    ask(&good, &Key::new(), WANTED).expect_err("another key is trusted");
    for (what, token) in forged(&key) {
        assert!(ask(&token, &key, WANTED).is_err(), "{name:?} believes: {what}");
        assert!(verified_here(&token, &key, WANTED).is_err(), "we believe: {what}");
    }
    // OpenSSL on the command line takes ten processes for each token.
    let step = if name == Name::OpenSsl { 5 } else { 1 };
    for index in (0..good.len()).step_by(step) {
        let mut bytes = good.clone().into_bytes();
        bytes[index] ^= 1 << (index % 7);
        let flipped = String::from_utf8(bytes).expect("ASCII");
        assert!(
            ask(&flipped, &key, WANTED).is_err(),
            "{name:?} believes a flip at {index}: {flipped}"
        );
    }
}

/// The claims in a token, unverified.
fn claims_of(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).expect("three parts");
    let payload =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

#[test]
fn pyjwt_believes_ours_and_nothing_else() {
    believes_ours_and_nothing_else(Name::PyJwt);
}

#[test]
fn python_jose_believes_ours_and_nothing_else() {
    believes_ours_and_nothing_else(Name::PythonJose);
}

#[test]
fn jose_believes_ours_and_nothing_else() {
    believes_ours_and_nothing_else(Name::Jose);
}

#[test]
fn openssl_believes_ours_and_nothing_else() {
    believes_ours_and_nothing_else(Name::OpenSsl);
}

/// Headers that another library can be made to write and that are refused here.
fn odd_headers(key: &Key) -> Vec<Value> {
    let with = |name: &str, value: Value| {
        let mut header = json!({"typ": "reachability+jwt", "kid": key.id()});
        header[name] = value;
        header
    };
    vec![
        with("typ", json!("JWT")),
        with("typ", json!("application/reachability+jwt")),
        with("kid", json!("key-1")),
        with("kid", json!(Key::new().id())),
        with("jku", json!("https://attacker.example/keys")),
        with("x5u", json!("https://attacker.example/chain")),
        with("cty", json!("JWT")),
        with("x", json!(1)),
    ]
}

/// Claims that another library signs without a word and that are refused here.
fn odd_claims() -> Vec<Value> {
    let now = now().seconds();
    vec![
        claims_with("iat", json!(now as f64 + 0.5)),
        claims_with("exp", json!(now + 86_401)),
        claims_with("exp", json!(now)),
        claims_with("iat", json!(now + 600)),
        claims_with("aud", json!(["market", "bazaar"])),
        claims_with("iss", json!("https://Checker.example.net/")),
        claims_with("ip", json!("::ffff:192.0.2.7")),
        claims_with("open", json!("7467,7466")),
        claims_with("open", json!([7466])),
        claims_with("open", json!("")),
        claims_with("transport", json!("sctp")),
        claims_with("challenge", json!("short")),
        claims_with("vantage", json!({"code": "fra1", "rir": "MOON"})),
        claims_with("nonce", json!(null)),
        json!({"iss": tokens::ISSUER, "iat": now, "exp": now + 60}),
        json!({}),
    ]
}

/// What another library signs is believed if it is right.
fn is_believed_if_right(name: Name) {
    let Some(mut library) = Library::start(name) else { return };
    let key = Key::new();
    let headers = json!({"typ": "reachability+jwt", "kid": key.id()});
    let later = claims_with("later", json!({"a": [1, 2]}));
    for claims in [claims_json(), later] {
        let token = library.sign(&claims, &key.pem, &headers);
        assert_eq!(verified_here(&token, &key, WANTED), Ok(()), "{name:?}: {token}");
    }
    for headers in odd_headers(&key) {
        let token = library.sign(&claims_json(), &key.pem, &headers);
        assert!(verified_here(&token, &key, WANTED).is_err(), "{name:?}: {headers}");
    }
    for claims in odd_claims() {
        let token = library.sign(&claims, &key.pem, &headers);
        assert!(verified_here(&token, &key, WANTED).is_err(), "{name:?}: {claims}");
    }
}

#[test]
fn tokens_of_pyjwt_are_believed_if_right() {
    is_believed_if_right(Name::PyJwt);
}

#[test]
fn tokens_of_python_jose_are_believed_if_right() {
    is_believed_if_right(Name::PythonJose);
}

#[test]
fn tokens_of_jose_are_believed_if_right() {
    is_believed_if_right(Name::Jose);
}

#[test]
fn jose_gives_a_key_the_same_name() {
    let Some(mut jose) = Library::start(Name::Jose) else { return };
    let key = Key::new();
    let set: Value = serde_json::from_str(&key.set().to_json()).expect("JSON");
    let name = jose.ask(&json!({"do": "thumbprint", "key": set["keys"][0]}));
    assert_eq!(name, Ok(json!(key.id())));
}
