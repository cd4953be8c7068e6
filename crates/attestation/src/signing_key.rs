//! Private keys.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls_pki_types::pem::{Error as PemError, PemObject, SectionKind};
use zeroize::Zeroizing;

use crate::{claims::Claims, encoded_claims, public_key::PublicKey, token};

/// The longest file of a key that is read: some ten keys of this kind.
pub const MAX_PEM_BYTES: usize = 4096;

/// A private key with which a checker signs. Neither [`Debug`] nor an error shows a part of it, and the buffer of its
/// decoded file is erased; `ring` does not erase its copy when the key is dropped.
#[derive(Debug)]
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

/// A text that holds no key to sign with. No message shows a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Longer than [`MAX_PEM_BYTES`].
    #[error("the file is longer than {MAX_PEM_BYTES} bytes; {WANTED}")]
    TooLong,
    /// No key at all, or one without its end.
    #[error("no section of PEM with a private key was found; {WANTED}")]
    NoKey,
    /// Text between the lines that begin and end a key, which is not base64.
    #[error("a section of PEM is damaged; {WANTED}")]
    Damaged,
    /// A key behind a password.
    #[error("the key is encrypted, and nobody is there to enter its password; {WANTED}")]
    Encrypted,
    /// The older form, which names the curve elsewhere.
    #[error(
        "the key is in the form of SEC 1 (BEGIN EC PRIVATE KEY); `openssl pkcs8 -topk8 -nocrypt` converts it to PKCS#8"
    )]
    Sec1,
    /// `BEGIN RSA PRIVATE KEY`.
    #[error("the key is one of RSA; {WANTED}")]
    Rsa,
    /// Several private keys.
    #[error(
        "the file holds several private keys, and it cannot be known which one is meant; {WANTED}"
    )]
    SeveralKeys,
    /// A key on another curve, of another algorithm, or one that contradicts itself.
    #[error("the key cannot be used ({reason}); {WANTED}")]
    Rejected {
        /// The word of `ring`, such as `WrongAlgorithm`.
        reason: String,
    },
}

/// The form of a key that is accepted, and a command that makes one.
const WANTED: &str = "wanted is a PKCS#8 key on P-256 in PEM (BEGIN PRIVATE KEY), as `openssl genpkey -algorithm EC \
                      -pkeyopt ec_paramgen_curve:P-256` writes it";

/// The system gave no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the statement cannot be signed because the system gives no random numbers")]
pub struct SignError;

impl SigningKey {
    /// Reads a file with one private key: PKCS#8 (RFC 5208) on P-256, with its public key, in PEM (RFC 7468).
    ///
    /// # Errors
    /// There is no such key, or more than one.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let der = private_key(pem)?;
        let rejected =
            |reason: &dyn std::fmt::Display| KeyError::Rejected { reason: reason.to_string() };
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new());
        let pair = pair.map_err(|error| rejected(&error))?;
        let public = PublicKey::from_point(pair.public_key().as_ref());
        let public = public.expect("ring keeps points uncompressed");
        Ok(Self { pair, public })
    }

    /// The key by which its signatures are verified.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The token of signed claims.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignError> {
        let message = token::message(self.public.id(), &encoded_claims::encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        let signature = signature.map_err(|_| SignError)?;
        Ok(token::signed(message, signature.as_ref()))
    }
}

/// The DER of the only private key in a file.
fn private_key(pem: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if pem.len() > MAX_PEM_BYTES {
        return Err(KeyError::TooLong);
    }
    if String::from_utf8_lossy(pem).contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return Err(KeyError::Encrypted);
    }
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|error| match error {
            PemError::Base64Decode(_) => KeyError::Damaged,
            _ => KeyError::NoKey,
        })?;
        let der = Zeroizing::new(der);
        match kind {
            SectionKind::PrivateKey if found.is_some() => return Err(KeyError::SeveralKeys),
            SectionKind::PrivateKey => found = Some(der),
            SectionKind::EcPrivateKey => return Err(KeyError::Sec1),
            SectionKind::RsaPrivateKey => return Err(KeyError::Rsa),
            _ => {}
        }
    }
    found.ok_or(KeyError::NoKey)
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use crate::samples::{claims, key_pem, pem};

    use super::*;

    /// Ed25519, as `openssl genpkey -algorithm ED25519` writes it.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

    #[test]
    fn a_key_is_read_whatever_stands_around_it() {
        let key = key_pem();
        let certificate = pem("CERTIFICATE", b"x");
        let cases = [
            key.clone(),
            format!("a comment\n{key}\nmore\n"),
            format!("{certificate}{key}"),
            key.replace('\n', "\r\n"),
        ];
        for text in cases {
            assert!(SigningKey::from_pem(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn files_without_a_key_to_sign_with() {
        let key = key_pem();
        let rejected = |reason: &str| KeyError::Rejected { reason: reason.to_owned() };
        let cases = [
            (String::new(), KeyError::NoKey, "nothing"),
            ("secret".to_owned(), KeyError::NoKey, "no PEM"),
            (pem("CERTIFICATE", b"x"), KeyError::NoKey, "a certificate"),
            (pem("PUBLIC KEY", b"x"), KeyError::NoKey, "a public key"),
            (key.replace("-----END PRIVATE KEY-----", ""), KeyError::NoKey, "no end"),
            (
                key.replace("-----BEGIN PRIVATE KEY-----", "-----BEGIN"),
                KeyError::NoKey,
                "half a line",
            ),
            (key.replacen('M', "*", 1), KeyError::Damaged, "no base64"),
            (pem("ENCRYPTED PRIVATE KEY", b"x"), KeyError::Encrypted, "a password"),
            (pem("EC PRIVATE KEY", b"x"), KeyError::Sec1, "SEC 1"),
            (pem("RSA PRIVATE KEY", b"x"), KeyError::Rsa, "RSA"),
            (key_pem() + &key, KeyError::SeveralKeys, "two keys"),
            (key.clone() + &key, KeyError::SeveralKeys, "one key twice"),
            (pem("PRIVATE KEY", b"x"), rejected("InvalidEncoding"), "no DER"),
            (ED25519.to_owned(), rejected("WrongAlgorithm"), "another algorithm"),
        ];
        for (text, expected, why) in cases {
            assert_eq!(SigningKey::from_pem(text.as_bytes()).unwrap_err(), expected, "{why}");
        }
    }

    #[test]
    fn the_length_of_a_file_is_bounded() {
        let mut text = key_pem();
        text += &" ".repeat(MAX_PEM_BYTES - text.len());
        assert!(SigningKey::from_pem(text.as_bytes()).is_ok());
        text.push(' ');
        assert_eq!(SigningKey::from_pem(text.as_bytes()).unwrap_err(), KeyError::TooLong);
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let text = key_pem();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(&body).unwrap();
        // The private scalar begins behind 36 bytes of form (RFC 5915).
        let secret = &der[36..68];
        let key = SigningKey::from_pem(text.as_bytes()).unwrap();
        let token = key.sign(&claims("a")).unwrap();
        let damaged =
            SigningKey::from_pem(text.replacen("\n-----END", "*\n-----END", 1).as_bytes());
        for shown in
            [format!("{key:?}"), token, format!("{damaged:?}"), damaged.unwrap_err().to_string()]
        {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!shown.to_lowercase().contains(&hex[..16]), "{shown}");
            assert!(!shown.contains(&body[48..64]), "{shown}");
            assert!(!shown.contains(&format!("{:?}", &secret[..8])[1..20]), "{shown}");
        }
    }

    #[test]
    fn a_message_says_what_is_accepted() {
        let message = SigningKey::from_pem(ED25519.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            message,
            "the key cannot be used (WrongAlgorithm); wanted is a PKCS#8 key on P-256 in PEM (BEGIN PRIVATE KEY), as \
             `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` writes it"
        );
    }
}
