//! The keys of the settings that are needed together.

use std::path::PathBuf;

use super::{
    attestation_variables::{ATTESTATIONS, ISSUER, NEXT_KEY, SIGNING_KEY},
    invalid::InvalidSetting,
    model::Config,
    signing_keys::{KeyFiles, SigningKeys},
};

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
