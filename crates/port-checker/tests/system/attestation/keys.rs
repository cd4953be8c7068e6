//! Keys as OpenSSL makes them.

use std::process::{Command, Stdio};

use port_checker_attestation::SigningKey;
use port_checker_testbed::skip;

/// Shell commands, and the beginning of the reason why their key cannot be used; none for one that can.
const KEYS: [(&str, &str); 12] = [
    ("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", ""),
    ("openssl ecparam -name prime256v1 -genkey | openssl pkcs8 -topk8 -nocrypt", ""),
    ("openssl ecparam -name prime256v1 -genkey", "the key is in the form of SEC 1"),
    (
        "openssl ecparam -name prime256v1 -genkey | openssl pkcs8 -topk8 -passout pass:x",
        "the key is encrypted",
    ),
    (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl ec -no_public |
         openssl pkcs8 -topk8 -nocrypt",
        "the key cannot be used (InvalidEncoding)",
    ),
    (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        "the key cannot be used (WrongAlgorithm)",
    ),
    (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "the key cannot be used (WrongAlgorithm)",
    ),
    (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
        "the key cannot be used (WrongAlgorithm)",
    ),
    ("openssl genpkey -algorithm ED25519", "the key cannot be used (WrongAlgorithm)"),
    ("openssl genrsa 2048", "the key cannot be used (WrongAlgorithm)"),
    ("openssl genrsa -traditional 2048", "the key is one of RSA"),
    (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout",
        "no section of PEM with a private key",
    ),
];

#[test]
fn keys_of_openssl_are_read_or_the_reason_is_named() {
    if !skip::has("openssl", "version") {
        return;
    }
    for (command, expected) in KEYS {
        let output = Command::new("sh").args(["-c", command]).stderr(Stdio::null()).output();
        let pem = output.expect("a shell").stdout;
        let reason = SigningKey::from_pem(&pem).err().map(|error| error.to_string());
        let reason = reason.unwrap_or_default();
        assert_eq!(reason.is_empty(), expected.is_empty(), "{command}: {reason}");
        assert!(reason.starts_with(expected), "{command}: {reason}");
    }
}
