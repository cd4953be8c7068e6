//! The keys that statements are signed with, which can change while the service runs.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use port_checker_attestation::{KeyError, KeySet, MAX_PEM_BYTES, SigningKey};

use super::key_ring::{DatedKey, FileKeys, KeyRing};

/// The files of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// The key that signs.
    pub signing: PathBuf,
    /// The key that will sign: it is published already.
    pub next: Option<PathBuf>,
}

/// The keys that statements are signed with, and those that are published for verifiers. A key that replaces another
/// signs once it has been published for six minutes, and the old one is published until its last statement has expired.
#[derive(Debug)]
pub struct SigningKeys {
    files: KeyFiles,
    ring: Mutex<KeyRing>,
    failed_reloads: AtomicU64,
}

/// A file that holds no key to sign with.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct UnusableKey {
    /// The file.
    pub path: PathBuf,
    /// The defect.
    pub source: KeyFileError,
}

/// Why a file holds no key to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It holds something else.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl SigningKeys {
    /// Reads the files; statements are valid for `lifetime`.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn load(files: KeyFiles, lifetime: Duration) -> Result<Arc<Self>, UnusableKey> {
        let ring = Mutex::new(KeyRing::new(read_all(&files)?, lifetime, Instant::now()));
        Ok(Arc::new(Self { files, ring, failed_reloads: AtomicU64::new(0) }))
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// One of them cannot be used; the keys from before are kept.
    pub fn reload(&self) -> Result<(), UnusableKey> {
        let keys = read_all(&self.files).inspect_err(|_| {
            self.failed_reloads.fetch_add(1, Ordering::Relaxed);
        })?;
        self.ring().replace(keys, Instant::now());
        Ok(())
    }

    /// The key that signs now.
    pub(crate) fn signing(&self) -> Arc<DatedKey> {
        self.ring().signing(Instant::now())
    }

    /// The keys to publish now.
    pub(crate) fn published(&self) -> KeySet {
        self.ring().published(Instant::now())
    }

    /// How often the files could not be used when they were read again.
    pub(crate) fn failed_reloads(&self) -> u64 {
        self.failed_reloads.load(Ordering::Relaxed)
    }

    fn ring(&self) -> MutexGuard<'_, KeyRing> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_all(files: &KeyFiles) -> Result<FileKeys, UnusableKey> {
    let read = |path: &PathBuf| {
        let unusable = |source| UnusableKey { path: path.clone(), source };
        read_key(path).map(Arc::new).map_err(unusable)
    };
    Ok(FileKeys {
        signing: read(&files.signing)?,
        next: files.next.as_ref().map(read).transpose()?,
    })
}

/// Reads the key of one file.
pub(super) fn read_key(path: &Path) -> Result<DatedKey, KeyFileError> {
    let file = File::open(path)?;
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut pem = Vec::new();
    // One byte more than a key may have tells that the file is too long.
    file.take(MAX_PEM_BYTES as u64 + 1).read_to_end(&mut pem)?;
    Ok(DatedKey { key: SigningKey::from_pem(&pem)?, modified })
}
