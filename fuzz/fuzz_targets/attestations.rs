//! Whatever is said to be a statement, and whatever a trusted issuer signs: one that is believed says what is written
//! when its claims are signed again, and nothing makes the verifier panic.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use port_checker_attestation::{Expectations, KeySet, SigningKey, Timestamp, TrustStore};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};

/// A key that everybody knows; the seeds name it.
const PEM: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBdAOCVXvpma0UTV1
Oy3gQqPpP3ZyUMMPVSaI9nPvNXGhRANCAAQ1CNrMqqWs2bQvOKd4XSdmW7Thk5xk
zFf1lkDq/j2Zhjm17/9vJbzbzPN82PZl0mjik/Fp1Em/3kEpBSN7/5Gh
-----END PRIVATE KEY-----
";

/// The time of the seeds.
const NOW: u64 = 1_700_000_000;

struct Issuer {
    key: SigningKey,
    pair: EcdsaKeyPair,
    trusted: TrustStore,
}

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let body: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, &der, &SystemRandom::new()).expect("a key");
    let key = SigningKey::from_pem(PEM.as_bytes()).expect("a key");
    let mut trusted = TrustStore::default();
    trusted.add(None, KeySet::from_iter([key.public().clone()])).expect("the first");
    Issuer { key, pair, trusted }
});

/// A line with a header, and claims.
fn signed(input: &[u8]) -> String {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, claims) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let message = parts.join(".");
    let signature = ISSUER.pair.sign(&SystemRandom::new(), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.expect("random numbers")))
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let now = Timestamp::from_seconds(NOW).expect("a time");
    let mut expectations = Expectations::new(&ISSUER.trusted, now);
    expectations.audience = "market".parse().ok();
    if let Ok(text) = std::str::from_utf8(input) {
        assert!(expectations.verify(text).is_err(), "nobody signed it");
    }
    if let Ok(statement) = expectations.verify(&signed(input)) {
        let again = ISSUER.key.sign(statement.claims()).expect("random numbers");
        assert_eq!(expectations.verify(&again), Ok(statement));
    }
});
