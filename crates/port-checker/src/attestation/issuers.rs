//! The checkers whose statements are believed, and their keys.

use std::{fs::File, io::Read, path::Path, time::Duration};

use anyhow::{Context, anyhow};
use port_checker_attestation::{Issuer, KeySet, MAX_KEY_SET_BYTES, TrustError, TrustStore};
use port_checker_client::{CheckerBuilder, Roots};
use tokio::{runtime, task::JoinSet};

use crate::args::{TrustedIssuer, unreadable};

/// How long the keys of a checker may take to arrive.
const KEYS_TIMEOUT: Duration = Duration::from_secs(10);

/// Trusted checkers.
pub(super) struct KnownIssuers {
    known: Vec<(Option<Issuer>, KeySet)>,
    /// Those whose keys could not be fetched.
    pub(super) unavailable: Vec<UnavailableIssuer>,
}

/// A checker whose keys could not be fetched.
pub(super) struct UnavailableIssuer {
    pub(super) name: Issuer,
    pub(super) reason: String,
}

/// Reads the keys that are in files, and fetches the others, all at once.
///
/// # Errors
/// A file cannot be read, or has no keys.
pub(super) fn with_keys(
    issuers: Vec<TrustedIssuer>,
    roots: Option<Roots>,
) -> anyhow::Result<KnownIssuers> {
    let mut found = KnownIssuers { known: Vec::new(), unavailable: Vec::new() };
    let mut remote = Vec::new();
    for issuer in issuers {
        match issuer {
            TrustedIssuer::InFile { name, path } => {
                let keys = key_set(&path);
                let keys = keys.map_err(|reason| anyhow!("{}: {reason}", path.display()))?;
                found.known.push((name, keys));
            }
            TrustedIssuer::Remote { name, checker } => {
                let checker = checker.timeout(KEYS_TIMEOUT);
                let checker = roots.iter().fold(checker, |checker, roots| checker.trusting(roots));
                remote.push((name, checker));
            }
        }
    }
    if !remote.is_empty() {
        fetch(remote, &mut found)?;
    }
    Ok(found)
}

fn key_set(path: &Path) -> Result<KeySet, String> {
    let mut text = Vec::new();
    // One byte more than is allowed shows that there is more.
    let most = MAX_KEY_SET_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut text));
    read.map_err(|error| unreadable(&error))?;
    KeySet::from_json(&String::from_utf8_lossy(&text)).map_err(|error| error.to_string())
}

fn fetch(remote: Vec<(Issuer, CheckerBuilder)>, found: &mut KnownIssuers) -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    runtime.block_on(async {
        let mut requests = JoinSet::new();
        for (name, checker) in remote {
            requests.spawn(async move { (name, checker.build().keys().await) });
        }
        for (name, keys) in requests.join_all().await {
            match keys {
                Ok(keys) => found.known.push((Some(name), keys)),
                Err(error) => {
                    found.unavailable.push(UnavailableIssuer { name, reason: error.to_string() });
                }
            }
        }
    });
    // A look-up of a name that is still under way is abandoned.
    runtime.shutdown_background();
    Ok(())
}

impl KnownIssuers {
    /// Trusts them.
    ///
    /// # Errors
    /// One is given twice.
    pub(super) fn trust(&self) -> Result<TrustStore, TrustError> {
        let mut store = TrustStore::default();
        for (name, keys) in &self.known {
            store.add(name.clone(), keys.clone())?;
        }
        for issuer in &self.unavailable {
            // Without keys, so that no other signs in its name.
            store.add(Some(issuer.name.clone()), KeySet::default())?;
        }
        Ok(store)
    }
}
