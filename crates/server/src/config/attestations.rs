//! The settings of signed statements.

use std::{path::PathBuf, time::Duration};

use port_checker_attestation::{InvalidClaim, Issuer, MAX_LIFETIME_SECONDS, Vantage};

use super::{
    invalid::InvalidSetting,
    model::Config,
    parse::{boolean, optional, path, shown_if_any, whole},
    setting::Setting,
    signing_keys::{KeyFiles, SigningKeys, read_key},
};

/// The shortest that statements may be valid, in seconds: as long as clocks may differ.
const MIN_LIFETIME_SECONDS: u64 = 60;

const ISSUER: &str = "PORT_CHECKER_ISSUER";
const SIGNING_KEY: &str = "PORT_CHECKER_SIGNING_KEY";
const NEXT_KEY: &str = "PORT_CHECKER_NEXT_KEY";

/// What an operator decides about signed statements.
#[derive(Debug, Clone)]
pub struct AttestationSettings {
    /// The name that is signed with: the URL of this checker.
    pub issuer: Option<Issuer>,
    /// The file of the key that signs.
    pub signing_key: Option<PathBuf>,
    /// The file of the key that will sign.
    pub next_key: Option<PathBuf>,
    /// How long a statement is valid, 1 to 86400 seconds.
    pub lifetime: Duration,
    /// Whether to sign only while the system calls its clock synchronised.
    pub clock_check: bool,
    /// Where this checker stands.
    pub vantage: Option<Vantage>,
}

impl Default for AttestationSettings {
    fn default() -> Self {
        Self {
            issuer: None,
            signing_key: None,
            next_key: None,
            lifetime: Duration::from_secs(7200),
            clock_check: true,
            vantage: None,
        }
    }
}

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

/// Reads the keys of settings that are good one by one.
///
/// # Errors
/// A setting needs another one, or a file has changed meanwhile.
pub(super) fn load_keys(config: &mut Config) -> Result<(), InvalidSetting> {
    let settings = &config.attestation;
    let alone = |variable, value: String, other| {
        Err(InvalidSetting::new(variable, value, format!("{other} to be set too")))
    };
    let shown = |path: &PathBuf| path.display().to_string();
    let signing = match (&settings.issuer, &settings.signing_key, &settings.next_key) {
        (None, None, None) => return Ok(()),
        (_, None, Some(next)) => return alone(NEXT_KEY, shown(next), SIGNING_KEY),
        (Some(issuer), None, None) => return alone(ISSUER, issuer.to_string(), SIGNING_KEY),
        (None, Some(key), _) => return alone(SIGNING_KEY, shown(key), ISSUER),
        (Some(_), Some(key), _) => key.clone(),
    };
    let files = KeyFiles { signing, next: settings.next_key.clone() };
    let keys = SigningKeys::load(files, settings.lifetime).map_err(|error| {
        let variable =
            if Some(&error.path) == settings.signing_key.as_ref() { SIGNING_KEY } else { NEXT_KEY };
        let expected = format!("a file with a key to sign with: {}", error.source);
        InvalidSetting::new(variable, shown(&error.path), expected)
    })?;
    config.signing_keys = Some(keys);
    Ok(())
}

/// Whether a setting is one of these.
pub(super) fn owns(variable: &str) -> bool {
    ATTESTATIONS.iter().any(|setting| setting.variable == variable)
}
