//! Keys, and tokens of our own and of attackers.

use std::time::SystemTime;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use port_checker_attestation::{
    Claims, Issuer, KeySet, SigningKey, Timestamp, TokenId, TrustStore, Validity,
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://checker.example.net";

/// A key, in every form that somebody wants it in.
pub(crate) struct Key {
    pub(crate) ours: SigningKey,
    pub(crate) pem: String,
    pair: EcdsaKeyPair,
}

impl Key {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("random numbers");
        let body = STANDARD.encode(&der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let ours = SigningKey::from_pem(pem.as_bytes()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).expect("a key");
        Self { ours, pem, pair }
    }

    pub(crate) fn id(&self) -> String {
        self.ours.public().id().to_string()
    }

    pub(crate) fn set(&self) -> KeySet {
        [self.ours.public().clone()].into_iter().collect()
    }

    pub(crate) fn trusted(&self) -> TrustStore {
        let mut trusted = TrustStore::default();
        let issuer: Issuer = ISSUER.parse().expect("an issuer");
        trusted.add(Some(issuer), self.set()).expect("the first");
        trusted
    }

    /// The header of a good token.
    pub(crate) fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "reachability+jwt", "kid": self.id()})
    }

    /// A token of whatever header and claims, with a signature by this key.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        format!("{message}.{}", encode(signature.expect("random numbers")))
    }

    /// The same with HMAC, whose key is a text that everybody knows.
    pub(crate) fn sign_with_hmac(&self, secret: &str, claims: &str) -> String {
        let mut header = self.header();
        header["alg"] = json!("HS256");
        let message = message(&header.to_string(), claims);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("{message}.{}", encode(hmac::sign(&key, message.as_bytes())))
    }

    /// The public key in PEM.
    pub(crate) fn public_pem(&self) -> String {
        use ring::signature::KeyPair;
        // The beginning of every public key on P-256 (RFC 5480).
        let prefix = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE").expect("base64");
        let body = STANDARD.encode([&prefix[..], self.pair.public_key().as_ref()].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", encode(header), encode(claims))
}

pub(crate) fn now() -> Timestamp {
    SystemTime::now().try_into().expect("a time before the year 10000")
}

/// Good claims for one reader, as a checker signs them now.
pub(crate) fn claims() -> Claims {
    Claims {
        issuer: ISSUER.parse().expect("an issuer"),
        validity: Validity::new(now(), 7200).expect("two hours"),
        id: TokenId::from_bytes(&[7; 16]),
        audience: "market".parse().ok(),
        nonce: "n-1".parse().ok(),
        address: "192.0.2.7".parse().expect("an address"),
        transport: port_checker_api::Transport::Tcp,
        open: "7466,50800-50899".parse().expect("ports"),
        challenge: "0123456789abcdef".parse().expect("a challenge"),
        vantage: "fra1:RIPE".parse().ok(),
    }
}

/// The same claims as JSON, with which anything can be done.
pub(crate) fn claims_json() -> Value {
    let now = now().seconds();
    json!({
        "iss": ISSUER, "iat": now, "exp": now + 7200, "jti": "BwcHBwcHBwcHBwcHBwcHBw", "aud": "market",
        "nonce": "n-1", "ip": "192.0.2.7", "transport": "tcp", "open": "7466,50800-50899",
        "challenge": "0123456789abcdef", "vantage": {"code": "fra1", "rir": "RIPE"},
    })
}

/// The claims with one of them changed.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims_json();
    claims[name] = value;
    claims
}
