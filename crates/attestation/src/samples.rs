//! Keys and claims for the tests.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};

use crate::{Claims, Issuer, KeySet, SigningKey, Timestamp, TokenId, TrustStore, Validity};

pub(crate) const NOW: u64 = 1_700_000_000;

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

/// A section of PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        writeln!(text, "{}", std::str::from_utf8(line).unwrap()).unwrap();
    }
    text + &format!("-----END {label}-----\n")
}

/// The PEM of a new key.
pub(crate) fn key_pem() -> String {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    pem("PRIVATE KEY", der.unwrap().as_ref())
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_pem(key_pem().as_bytes()).unwrap()
}

pub(crate) fn key_set(key: &SigningKey) -> KeySet {
    [key.public().clone()].into_iter().collect()
}

pub(crate) fn issuer(name: &str) -> Issuer {
    format!("https://{name}.example").parse().unwrap()
}

/// Trusts keys of issuers of these names.
pub(crate) fn trust(keys: &[(&str, &SigningKey)]) -> TrustStore {
    let mut store = TrustStore::default();
    for (name, key) in keys {
        store.add(Some(issuer(name)), key_set(key)).unwrap();
    }
    store
}

/// Claims of an issuer, from now on, without any that may be left out.
pub(crate) fn claims(name: &str) -> Claims {
    Claims {
        issuer: issuer(name),
        validity: Validity::new(at(NOW), 7200).unwrap(),
        id: TokenId::from_bytes(&[1; 16]),
        audience: None,
        nonce: None,
        address: "192.0.2.7".parse().unwrap(),
        transport: port_checker_api::Transport::Tcp,
        open: "7466,50800-50899".parse().unwrap(),
        challenge: "0123456789abcdef".parse().unwrap(),
        vantage: None,
    }
}
