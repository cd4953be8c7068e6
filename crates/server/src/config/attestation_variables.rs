//! The settings of signed statements.

use std::{path::PathBuf, time::Duration};

use port_checker_attestation::{InvalidClaim, MAX_LIFETIME_SECONDS};

use super::{
    parse::{boolean, optional, path, shown_if_any, whole},
    setting::Setting,
    signing_keys::read_key,
};

/// The shortest that statements may be valid, in seconds: as long as clocks may differ.
const MIN_LIFETIME_SECONDS: u64 = 60;

pub(super) const ISSUER: &str = "PORT_CHECKER_ISSUER";
pub(super) const SIGNING_KEY: &str = "PORT_CHECKER_SIGNING_KEY";
pub(super) const NEXT_KEY: &str = "PORT_CHECKER_NEXT_KEY";

/// The settings of signed statements.
pub(super) const ATTESTATIONS: &[Setting] = &[
    Setting {
        variable: ISSUER,
        help: "URL of this checker, in whose name it signs statements, such as \
               https://checker.example.net",
        set: |config, text| {
            let expected = |error: InvalidClaim| error.to_string();
            optional(text).map_err(expected).map(|value| config.attestation.issuer = value)
        },
        show: |config| shown_if_any(config.attestation.issuer.as_ref()),
    },
    Setting {
        variable: SIGNING_KEY,
        help: "File with the key to sign statements with: PKCS#8 on P-256 in PEM; read again on SIGHUP",
        set: |config, text| key_file(text).map(|file| config.attestation.signing_key = file),
        show: |config| path(config.attestation.signing_key.as_deref()),
    },
    Setting {
        variable: NEXT_KEY,
        help: "File with the key that will sign next, which is published already; read again on SIGHUP",
        set: |config, text| key_file(text).map(|file| config.attestation.next_key = file),
        show: |config| path(config.attestation.next_key.as_deref()),
    },
    Setting {
        variable: "PORT_CHECKER_ATTESTATION_LIFETIME",
        help: "Seconds for which a signed statement is valid, 60 to 86400",
        set: |config, text| {
            let seconds = whole(text, MIN_LIFETIME_SECONDS..=MAX_LIFETIME_SECONDS)?;
            config.attestation.lifetime = Duration::from_secs(seconds);
            Ok(())
        },
        show: |config| config.attestation.lifetime.as_secs().to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_CLOCK_CHECK",
        help: "Sign statements only while the system calls its clock synchronised: true or false",
        set: |config, text| boolean(text).map(|value| config.attestation.clock_check = value),
        show: |config| config.attestation.clock_check.to_string(),
    },
    Setting {
        variable: "PORT_CHECKER_PERSPECTIVE",
        help: "Where this checker stands, a code and its registry (AFRINIC, APNIC, ARIN, LACNIC or RIPE), \
               such as fra1:RIPE",
        set: |config, text| {
            let expected = |error: InvalidClaim| error.to_string();
            optional(text).map_err(expected).map(|value| config.attestation.vantage = value)
        },
        show: |config| shown_if_any(config.attestation.vantage.as_ref()),
    },
];

fn key_file(text: &str) -> Result<Option<PathBuf>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let file = PathBuf::from(text);
    match read_key(&file) {
        Ok(_) => Ok(Some(file)),
        Err(error) => Err(format!("a file with a key to sign with: {error}")),
    }
}
