//! Certificates made for one test, good and bad.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use time::{Duration, OffsetDateTime};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub pem: String,
}

/// A certificate and its key, in PEM.
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Since yesterday, until tomorrow.
    Now,
    /// Until yesterday.
    Past,
    /// From tomorrow on.
    Future,
}

/// A key on P-256, in PEM (PKCS#8).
pub fn signing_key() -> String {
    key().serialize_pem()
}

impl Authority {
    /// Makes one.
    pub fn new() -> Self {
        let mut params = params(&[], Validity::Now);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = key();
        // Authorities of one name would be taken for one another.
        let name = format!("authority of a test, key {:02x?}", &key.public_key_raw()[..8]);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).expect("the parameters are good").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Issues a certificate for DNS names and IP addresses.
    pub fn issue(&self, names: &[&str], validity: Validity) -> Identity {
        let key = key();
        let certificate = params(names, validity).signed_by(&key, &self.issuer);
        let certificate = certificate.expect("the parameters are good").pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// A certificate that nobody but itself vouches for.
    pub fn self_signed(names: &[&str]) -> Self {
        let key = key();
        let certificate = params(names, Validity::Now).self_signed(&key);
        let certificate = certificate.expect("the parameters are good").pem();
        Self { certificate, key: key.serialize_pem() }
    }

    /// Writes both files; returns their paths.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn write(&self, directory: &Path, name: &str) -> (PathBuf, PathBuf) {
        let certificate = write(directory, &format!("{name}.crt"), &self.certificate);
        (certificate, write(directory, &format!("{name}.key"), &self.key))
    }
}

/// Writes a file of a test; returns its path.
///
/// # Panics
/// When it cannot be written.
pub fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a directory of the test's own");
    path
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the system has random numbers")
}

fn params(names: &[&str], validity: Validity) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names of servers");
    let (now, day) = (OffsetDateTime::now_utc(), Duration::DAY);
    (params.not_before, params.not_after) = match validity {
        Validity::Now => (now - day, now + day),
        Validity::Past => (now - 2 * day, now - day),
        Validity::Future => (now + day, now + 2 * day),
    };
    params
}
