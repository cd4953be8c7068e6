//! The certificate of the service and its key, which can change while it runs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// The files to speak TLS with. Without any the service speaks plain HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to a trust root, in PEM, the service's certificate first.
    pub certificate: Option<PathBuf>,
    /// The certificate's key, in PEM.
    pub key: Option<PathBuf>,
}

/// A certificate and its key. Connections begun before a reload keep the certificate that they began with.
#[derive(Debug)]
pub struct TlsIdentity {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

/// A certificate and a key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableIdentity {
    /// One of the files is not named.
    #[error("a certificate and a key are needed")]
    Incomplete,
    /// A file cannot be read, or is not PEM.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The defect.
        source: pem::Error,
    },
    /// They do not belong together, or are of a kind that cannot be used.
    #[error("{0}")]
    Mismatch(#[from] rustls::Error),
}

impl TlsIdentity {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn load(files: &TlsFiles) -> Result<Arc<Self>, UnusableIdentity> {
        let current = RwLock::new(read(files)?);
        Ok(Arc::new(Self { files: files.clone(), current }))
    }

    /// Reads the files again, for the handshakes from now on.
    ///
    /// # Errors
    /// They cannot be used; the certificate from before is kept.
    pub fn reload(&self) -> Result<(), UnusableIdentity> {
        let new = read(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

fn read(files: &TlsFiles) -> Result<Arc<CertifiedKey>, UnusableIdentity> {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else {
        return Err(UnusableIdentity::Incomplete);
    };
    let unreadable = |path: &Path| {
        let path = path.display().to_string();
        move |source| UnusableIdentity::File { path, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider())?))
}

impl ResolvesServerCert for TlsIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
