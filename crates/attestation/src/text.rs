//! Claims that are short texts.

use std::{fmt, str::FromStr};

use port_checker_api::ClaimText;

use crate::{base64url, invalid_claim::InvalidClaim};

macro_rules! text_claim {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ClaimText);

        impl $name {
            /// The characters.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl From<ClaimText> for $name {
            fn from(text: ClaimText) -> Self {
                Self(text)
            }
        }

        impl FromStr for $name {
            type Err = InvalidClaim;

            fn from_str(text: &str) -> Result<Self, InvalidClaim> {
                text.parse().map(Self).map_err(|_| InvalidClaim::$name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text_claim! {
    /// `jti`, the name of one statement: 1 to 128 printable ASCII characters. No two statements of an issuer share it.
    TokenId
}

text_claim! {
    /// `aud`, the only reader that a statement is for: 1 to 128 printable ASCII characters.
    Audience
}

text_claim! {
    /// `nonce`, which shows that a statement was made after its reader had chosen it: 1 to 128 printable ASCII
    /// characters.
    Nonce
}

impl TokenId {
    /// Names a statement by 128 bits, which are to be random.
    pub fn from_bytes(random: &[u8; 16]) -> Self {
        let text = base64url::encode(random);
        Self(text.try_into().expect("22 characters of base64url"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_claims_can_have() {
        let cases = [
            ("x".to_owned(), true, "the shortest"),
            ("~ ".repeat(64), true, "the longest, of the last and the first character"),
            (String::new(), false, "nothing"),
            ("x".repeat(129), false, "too long"),
            ("a\nb".to_owned(), false, "a line feed"),
            ("a\x1b[2J".to_owned(), false, "an order to the terminal"),
            ("\x7f".to_owned(), false, "a control character"),
            ("é".to_owned(), false, "beyond ASCII"),
        ];
        for (text, valid, why) in cases {
            assert_eq!(
                text.parse::<Nonce>().ok().map(|it| it.to_string()),
                valid.then(|| text.clone()),
                "{why}"
            );
            assert_eq!(
                text.parse::<Audience>().ok().map(|it| it.to_string()),
                valid.then(|| text.clone()),
                "{why}"
            );
            assert_eq!(
                text.parse::<TokenId>().ok().map(|it| it.to_string()),
                valid.then(|| text.clone()),
                "{why}"
            );
        }
    }

    #[test]
    fn each_kind_has_its_own_words() {
        assert_eq!("".parse::<TokenId>(), Err(InvalidClaim::TokenId));
        assert_eq!("".parse::<Audience>(), Err(InvalidClaim::Audience));
        assert_eq!("".parse::<Nonce>(), Err(InvalidClaim::Nonce));
    }

    #[test]
    fn random_bytes_are_names() {
        let id = TokenId::from_bytes(&[0xff; 16]);
        assert_eq!(id.as_str(), "_____________________w");
        assert_eq!(id.as_str().parse(), Ok(id));
    }
}
