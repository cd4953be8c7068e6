//! Certificates made for one test.

use std::{path::Path, process::Command};

use crate::skip;

/// Files of an authority and of a certificate it made for localhost.
pub struct Certificates {
    /// The authority's certificate.
    pub authority: String,
    /// The certificate for localhost.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Certificates {
    /// Makes them with openssl in `directory`, or says that it is missing.
    ///
    /// # Panics
    /// When openssl fails.
    pub fn make(directory: &Path) -> Option<Self> {
        let file = |name: &str| directory.join(name).display().to_string();
        let (certificate, key) = (file("server.crt"), file("server.key"));
        let files = Self { authority: file("ca.crt"), certificate, key };
        let authority_key = file("ca.key");
        let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        let new: Vec<&str> = new.split(' ').collect();
        let authority = ["-subj", "/CN=test", "-keyout", &authority_key, "-out", &files.authority];
        let server = [
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-CA",
            &files.authority,
            "-CAkey",
            &authority_key,
            "-keyout",
            &files.key,
            "-out",
            &files.certificate,
        ];
        for which in [&authority[..], &server[..]] {
            let Ok(output) = Command::new("openssl").args(&new).args(which).output() else {
                skip::missing("openssl; see scripts/test");
                return None;
            };
            assert!(output.status.success(), "{output:?}");
        }
        Some(files)
    }
}
