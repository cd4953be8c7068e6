//! Whatever is said to be a set of keys or a private key: one that is read is written and read the same, or none.
#![no_main]

use port_checker_attestation::{KeySet, SigningKey};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(keys) = std::str::from_utf8(input).map(KeySet::from_json) {
        assert!(keys.is_err() || KeySet::from_json(&keys.clone().unwrap().to_json()) == keys);
    }
    let _ = SigningKey::from_pem(input);
});
